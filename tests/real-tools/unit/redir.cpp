// SPDX-License-Identifier: Apache-2.0
#include "tests/real-tools/unit/redir.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <string>
#include <vector>

namespace lineside::real_tools {
namespace {

constexpr std::uint16_t kVendor = 0x0955;
constexpr std::uint16_t kProduct = 0x7e19;  // Xavier NX
constexpr std::uint16_t kDevice = 0x0102;
constexpr int kIdleMs = 1000;

std::string bytes(std::initializer_list<unsigned> values) {
    std::string out;
    for (const unsigned value : values) {
        out += static_cast<char>(value);
    }
    return out;
}

// What the kernel asks when a device appears; the tools themselves send no control request.
std::string descriptor(std::uint16_t value) {
    switch (value >> 8U) {
        case 1:
            return bytes({18, 1, 0x00, 0x02, 0, 0, 0, 64, kVendor & 0xffU, kVendor >> 8U,
                          kProduct & 0xffU, kProduct >> 8U, kDevice & 0xffU, kDevice >> 8U, 1, 2, 0,
                          1});
        case 2:
            return bytes({9, 2, 32,   0, 1, 1,    0,    0x80, 16,  // configuration
                          9, 4, 0,    0, 2, 0xff, 0xff, 0xff, 0,   // one vendor interface
                          7, 5, 0x81, 2, 0, 2,    0,               // bulk IN, 512
                          7, 5, 0x01, 2, 0, 2,    0});             // bulk OUT
        case 3: {
            if ((value & 0xffU) == 0) {
                return bytes({4, 3, 0x09, 0x04});
            }
            const std::string_view text = (value & 0xffU) == 1 ? "NVIDIA Corp." : "APX";
            std::string out = bytes({2 + 2 * static_cast<unsigned>(text.size()), 3});
            for (const char letter : text) {
                out += letter;
                out += '\0';
            }
            return out;
        }
        default:
            return {};
    }
}

}  // namespace

Redir::Redir(int fd, Module& module) : fd_(fd), module_(module), parser_(usbredirparser_create()) {
    set_callbacks();
    std::array<std::uint32_t, USB_REDIR_CAPS_SIZE> caps{};
    for (const int cap : {usb_redir_cap_ep_info_max_packet_size, usb_redir_cap_64bits_ids,
                          usb_redir_cap_32bits_bulk_length, usb_redir_cap_connect_device_version,
                          usb_redir_cap_device_disconnect_ack}) {
        usbredirparser_caps_set_cap(caps.data(), cap);
    }
    usbredirparser_init(parser_.get(), "lineside unit", caps.data(), USB_REDIR_CAPS_SIZE,
                        usbredirparser_fl_usb_host);
}

void Redir::set_callbacks() {
    usbredirparser* parser = parser_.get();
    parser->priv = this;
    parser->log_func = [](void*, int level, const char* text) {
        if (level <= usbredirparser_warning) {
            std::cerr << text << "\n";
        }
    };
    parser->read_func = [](void* priv, std::uint8_t* data, int count) {
        const ssize_t got =
            ::recv(self(priv).fd_, data, static_cast<std::size_t>(count), MSG_DONTWAIT);
        return got > 0 ? static_cast<int>(got) : got < 0 && errno == EAGAIN ? 0 : -1;
    };
    parser->write_func = [](void* priv, std::uint8_t* data, int count) {
        const ssize_t sent = ::send(self(priv).fd_, data, static_cast<std::size_t>(count),
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        return sent >= 0 ? static_cast<int>(sent) : errno == EAGAIN ? 0 : -1;
    };
    parser->hello_func = [](void* priv, usb_redir_hello_header*) { self(priv).connect(); };
    parser->reset_func = [](void*) {};  // a port's reset changes nothing in the module
    parser->device_disconnect_ack_func = [](void*) {};
    parser->set_configuration_func = [](void* priv, std::uint64_t id,
                                        usb_redir_set_configuration_header* wanted) {
        usb_redir_configuration_status_header done{usb_redir_success, wanted->configuration};
        usbredirparser_send_configuration_status(self(priv).parser_.get(), id, &done);
    };
    parser->get_configuration_func = [](void* priv, std::uint64_t id) {
        usb_redir_configuration_status_header done{usb_redir_success, 1};
        usbredirparser_send_configuration_status(self(priv).parser_.get(), id, &done);
    };
    parser->set_alt_setting_func = [](void* priv, std::uint64_t id,
                                      usb_redir_set_alt_setting_header* wanted) {
        usb_redir_alt_setting_status_header done{usb_redir_success, wanted->interface, wanted->alt};
        usbredirparser_send_alt_setting_status(self(priv).parser_.get(), id, &done);
    };
    parser->get_alt_setting_func = [](void* priv, std::uint64_t id,
                                      usb_redir_get_alt_setting_header* wanted) {
        usb_redir_alt_setting_status_header done{usb_redir_success, wanted->interface, 0};
        usbredirparser_send_alt_setting_status(self(priv).parser_.get(), id, &done);
    };
    parser->control_packet_func = [](void* priv, std::uint64_t id,
                                     usb_redir_control_packet_header* header, std::uint8_t* data,
                                     int) {
        usbredirparser_free_packet_data(self(priv).parser_.get(), data);
        self(priv).control(id, *header);
    };
    parser->bulk_packet_func = [](void* priv, std::uint64_t id,
                                  usb_redir_bulk_packet_header* header, std::uint8_t* data,
                                  int length) {
        self(priv).bulk(id, *header,
                        {reinterpret_cast<const char*>(data), static_cast<std::size_t>(length)});
        usbredirparser_free_packet_data(self(priv).parser_.get(), data);
    };
    parser->cancel_data_packet_func = [](void* priv, std::uint64_t id) { self(priv).cancel(id); };
}

void Redir::connect() {
    usb_redir_interface_info_header interface {};
    interface.interface_count = 1;
    interface.interface_class[0] = interface.interface_subclass[0] =
        interface.interface_protocol[0] = 0xff;
    usb_redir_ep_info_header endpoints{};
    std::fill(std::begin(endpoints.type), std::end(endpoints.type),
              std::uint8_t{usb_redir_type_invalid});
    endpoints.type[0] = endpoints.type[16] = usb_redir_type_control;
    endpoints.type[1] = endpoints.type[17] = usb_redir_type_bulk;
    endpoints.max_packet_size[0] = endpoints.max_packet_size[16] = 64;
    endpoints.max_packet_size[1] = endpoints.max_packet_size[17] = 512;
    usb_redir_device_connect_header device{};
    device.speed = usb_redir_speed_high;
    device.vendor_id = kVendor;
    device.product_id = kProduct;
    device.device_version_bcd = kDevice;
    module_.enumerated();
    on_bus_ = true;
    usbredirparser_send_interface_info(parser_.get(), &interface);
    usbredirparser_send_ep_info(parser_.get(), &endpoints);
    usbredirparser_send_device_connect(parser_.get(), &device);
}

void Redir::control(std::uint64_t id, usb_redir_control_packet_header& header) {
    const bool in = (header.requesttype & 0x80U) != 0;
    std::string out;
    if (header.requesttype == 0x80 && header.request == 6) {
        out = descriptor(header.value);
    } else if (header.requesttype == 0x80 && header.request == 0) {
        out = bytes({0, 0});
    }
    out.resize(std::min<std::size_t>(out.size(), header.length));
    header.status = in && out.empty() ? usb_redir_stall : usb_redir_success;
    header.length = static_cast<std::uint16_t>(out.size());
    usbredirparser_send_control_packet(
        parser_.get(), id, &header,
        out.empty() ? nullptr : reinterpret_cast<std::uint8_t*>(out.data()),
        static_cast<int>(out.size()));
}

void Redir::bulk(std::uint64_t id, usb_redir_bulk_packet_header& header, std::string_view data) {
    if ((header.endpoint & 0x80U) != 0) {
        waiting_.push_back({id, header});
    } else {
        module_.take(data);
        header.status = usb_redir_success;
        usbredirparser_send_bulk_packet(parser_.get(), id, &header, nullptr, 0);
    }
    answer_waiting();
}

void Redir::answer_waiting() {
    while (!waiting_.empty() && module_.has_answer()) {
        Waiting request = waiting_.front();
        waiting_.pop_front();
        auto& header = request.header;
        std::string out =
            module_.answer(header.length | static_cast<std::size_t>(header.length_high) << 16U);
        header.status = usb_redir_success;
        header.length = static_cast<std::uint16_t>(out.size() & 0xffffU);
        header.length_high = static_cast<std::uint16_t>(out.size() >> 16U);
        usbredirparser_send_bulk_packet(parser_.get(), request.id, &header,
                                        reinterpret_cast<std::uint8_t*>(out.data()),
                                        static_cast<int>(out.size()));
    }
}

// The host's time ran out, or its process ended.
void Redir::cancel(std::uint64_t id) {
    const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                                 [id](const Waiting& request) { return request.id == id; });
    if (it == waiting_.end()) {
        return;
    }
    auto header = it->header;
    waiting_.erase(it);
    header.status = usb_redir_cancelled;
    header.length = header.length_high = 0;
    usbredirparser_send_bulk_packet(parser_.get(), id, &header, nullptr, 0);
}

void Redir::come_and_go() {
    const auto& absence = module_.absence();
    const auto now = Module::Clock::now();
    if (!absence) {
        return;
    }
    if (on_bus_ && now >= absence->from) {
        on_bus_ = false;
        waiting_.clear();
        usbredirparser_send_device_disconnect(parser_.get());
    } else if (!on_bus_ && absence->until && now >= *absence->until) {
        connect();
    }
}

int Redir::wait_ms() const {
    const auto& absence = module_.absence();
    if (!absence || (!on_bus_ && !absence->until)) {
        return kIdleMs;
    }
    const auto next = on_bus_ ? absence->from : *absence->until;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(next - Module::Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, kIdleMs));
}

void Redir::serve() {
    while (true) {
        const bool writes = usbredirparser_has_data_to_write(parser_.get()) > 0;
        pollfd wanted{fd_, static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0};
        if (::poll(&wanted, 1, wait_ms()) < 0 && errno != EINTR) {
            return;
        }
        if (wanted.revents != 0 && usbredirparser_do_read(parser_.get()) != 0) {
            return;
        }
        come_and_go();
        answer_waiting();
        if (usbredirparser_has_data_to_write(parser_.get()) > 0 &&
            usbredirparser_do_write(parser_.get()) != 0) {
            return;
        }
    }
}

}  // namespace lineside::real_tools
