// SPDX-License-Identifier: Apache-2.0
#include "redir_link.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <vector>

#include "urb_link.h"

namespace line {
namespace {

// Offsets in USB descriptors.
constexpr std::size_t kClass = 4, kVendor = 8, kProduct = 10, kRelease = 12;
constexpr std::uint8_t kInterface = 4, kEndpoint = 5;

std::uint16_t word(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

std::uint8_t type_of(std::uint8_t attributes) {
    constexpr std::array<std::uint8_t, 4> kTypes{usb_redir_type_control, usb_redir_type_iso,
                                                 usb_redir_type_bulk, usb_redir_type_interrupt};
    return kTypes[attributes & 3U];
}

}  // namespace

// The device that is there now: its transfers and who asked for them.
class RedirLink::Device : public UrbLink, public std::enable_shared_from_this<Device> {
  public:
    Device(RedirLink& link, const UsbDevice& looks, std::shared_ptr<UsbNode> node)
        : UrbLink(std::move(node)), looks_(looks.descriptors), link_(link) {
        begin();
    }
    ~Device() override { end(); }

    // Numbers of usbredir begin at 0, ours do not.
    void ask(std::uint64_t id, const usb_redir_bulk_packet_header& header, Bytes data) {
        {
            const std::lock_guard lock(mutex_);
            headers_[id + 1] = header;
        }
        submit(id + 1, (header.endpoint & 0x80U) != 0, std::move(data),
               header.length | std::size_t{header.length_high} << 16U);
    }
    void give_up(std::uint64_t id) { cancel(id + 1, 1); }
    UsbNode& answers() { return node(); }
    const UsbNode::Descriptors& looks() const { return looks_; }
    // Sends what was found so far.  Thread: main.
    void send();

  protected:
    void give_back(const Transfer& transfer, std::uint64_t tag) override;

  private:
    struct Answer {
        std::uint64_t id;
        usb_redir_bulk_packet_header header;
        Bytes body;
    };
    const UsbNode::Descriptors looks_;
    RedirLink& link_;
    std::mutex mutex_;
    std::map<std::uint64_t, usb_redir_bulk_packet_header> headers_;
    std::vector<Answer> answers_;
};

void RedirLink::Device::give_back(const Transfer& transfer, std::uint64_t /*tag*/) {
    const std::lock_guard lock(mutex_);
    const auto found = headers_.find(transfer.urb);
    Answer answer{transfer.urb - 1, found->second, {}};
    headers_.erase(found);
    answer.header.status =
        static_cast<std::uint8_t>(transfer.status == 0         ? usb_redir_success
                                  : transfer.status == -ENOENT ? usb_redir_cancelled
                                                               : usb_redir_ioerror);
    const std::size_t moved = transfer.status == 0 ? transfer.actual : 0;
    answer.header.length = static_cast<std::uint16_t>(moved & 0xffffU);
    answer.header.length_high = static_cast<std::uint16_t>(moved >> 16U);
    if (transfer.in) {
        answer.body.assign(transfer.data.begin(),
                           transfer.data.begin() + static_cast<std::ptrdiff_t>(moved));
    }
    answers_.push_back(std::move(answer));
    link_.loop_.post([weak = weak_from_this()] {
        if (const auto device = weak.lock()) {
            device->send();
        }
    });
}

void RedirLink::Device::send() {
    std::vector<Answer> ready;
    {
        const std::lock_guard lock(mutex_);
        ready.swap(answers_);
    }
    for (auto& answer : ready) {
        usbredirparser_send_bulk_packet(link_.parser_.get(), answer.id, &answer.header,
                                        answer.body.empty() ? nullptr : answer.body.data(),
                                        static_cast<int>(answer.body.size()));
    }
    link_.flush();
}

RedirLink::RedirLink(Loop& loop, int fd) : loop_(loop), fd_(fd), parser_(usbredirparser_create()) {
    set_callbacks();
    std::array<std::uint32_t, USB_REDIR_CAPS_SIZE> caps{};
    for (const int cap : {usb_redir_cap_ep_info_max_packet_size, usb_redir_cap_64bits_ids,
                          usb_redir_cap_32bits_bulk_length, usb_redir_cap_connect_device_version,
                          usb_redir_cap_device_disconnect_ack}) {
        usbredirparser_caps_set_cap(caps.data(), cap);
    }
    usbredirparser_init(parser_.get(), "lineside-line", caps.data(), USB_REDIR_CAPS_SIZE,
                        usbredirparser_fl_usb_host);
    flush();
}

RedirLink::~RedirLink() {
    device_.reset();
    ::close(fd_);
}

void RedirLink::set_callbacks() {
    usbredirparser* parser = parser_.get();
    parser->priv = this;
    parser->log_func = [](void*, int level, const char* text) {
        if (level <= usbredirparser_warning) {
            std::cerr << text << "\n";
        }
    };
    parser->read_func = [](void* priv, std::uint8_t* data, int count) {
        const auto got =
            ::recv(self(priv).fd_, data, static_cast<std::size_t>(count), MSG_DONTWAIT);
        return got > 0 ? static_cast<int>(got) : got < 0 && errno == EAGAIN ? 0 : -1;
    };
    parser->write_func = [](void* priv, std::uint8_t* data, int count) {
        const auto sent =
            ::send(self(priv).fd_, data, static_cast<std::size_t>(count), MSG_NOSIGNAL);
        return sent >= 0 ? static_cast<int>(sent) : -1;
    };
    parser->hello_func = [](void* priv, usb_redir_hello_header*) {
        self(priv).greeted_ = true;
        self(priv).connect();
    };
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
    parser->cancel_data_packet_func = [](void* priv, std::uint64_t id) {
        if (self(priv).device_) {
            self(priv).device_->give_up(id);
        }
    };
    parser->control_packet_func = [](void* priv, std::uint64_t id,
                                     usb_redir_control_packet_header* header, std::uint8_t* data,
                                     int) {
        self(priv).control(id, *header);
        usbredirparser_free_packet_data(self(priv).parser_.get(), data);
    };
    parser->bulk_packet_func = [](void* priv, std::uint64_t id,
                                  usb_redir_bulk_packet_header* header, std::uint8_t* data,
                                  int count) {
        self(priv).bulk(id, *header, Bytes(data, data + count));
        usbredirparser_free_packet_data(self(priv).parser_.get(), data);
    };
    // A module in recovery mode has no other endpoints, and a host that knows that asks none.
    parser->filter_reject_func = [](void*) {};
    parser->filter_filter_func = [](void*, usbredirfilter_rule* rules, int) { std::free(rules); };
}

bool RedirLink::read() {
    const bool good = usbredirparser_do_read(parser_.get()) == 0;
    flush();
    return good;
}

void RedirLink::flush() {
    while (usbredirparser_has_data_to_write(parser_.get()) > 0) {
        if (usbredirparser_do_write(parser_.get()) != 0) {
            return;  // hung up; read() tells
        }
    }
}

void RedirLink::arrive(const UsbDevice& device, std::shared_ptr<UsbNode> node) {
    device_ = std::make_shared<Device>(*this, device, std::move(node));
    connect();
    flush();
}

void RedirLink::leave() {
    device_.reset();
    if (told_) {
        told_ = false;
        usbredirparser_send_device_disconnect(parser_.get());
        flush();
    }
}

void RedirLink::connect() {
    if (!greeted_ || !device_ || told_) {
        return;
    }
    const auto& looks = device_->looks();
    usb_redir_interface_info_header interfaces{};
    usb_redir_ep_info_header endpoints{};
    std::fill(std::begin(endpoints.type), std::end(endpoints.type), usb_redir_type_invalid);
    for (const std::size_t control : {0U, 16U}) {
        endpoints.type[control] = usb_redir_type_control;
        endpoints.max_packet_size[control] = 64;
    }
    const auto& all = looks.configuration;
    for (std::size_t at = 0; at + 1 < all.size() && all[at] != 0; at += all[at]) {
        if (all[at + 1] == kInterface) {
            const auto next = interfaces.interface_count++;
            interfaces.interface[next] = all[at + 2];
            interfaces.interface_class[next] = all[at + 5];
            interfaces.interface_subclass[next] = all[at + 6];
            interfaces.interface_protocol[next] = all[at + 7];
        } else if (all[at + 1] == kEndpoint) {
            const std::size_t slot = (all[at + 2] & 0x0fU) | (all[at + 2] & 0x80U) >> 3U;
            endpoints.type[slot] = type_of(all[at + 3]);
            endpoints.max_packet_size[slot] = word(all, at + 4);
            endpoints.interval[slot] = all[at + 6];
            endpoints.interface[slot] =
                interfaces.interface[std::max<std::uint32_t>(interfaces.interface_count, 1) - 1];
        }
    }
    usb_redir_device_connect_header device{};
    device.speed = usb_redir_speed_high;
    device.device_class = looks.device[kClass];
    device.vendor_id = word(looks.device, kVendor);
    device.product_id = word(looks.device, kProduct);
    device.device_version_bcd = word(looks.device, kRelease);
    told_ = true;
    usbredirparser_send_interface_info(parser_.get(), &interfaces);
    usbredirparser_send_ep_info(parser_.get(), &endpoints);
    usbredirparser_send_device_connect(parser_.get(), &device);
}

void RedirLink::control(std::uint64_t id, usb_redir_control_packet_header& header) {
    int status = -ENODEV;
    Bytes told;
    if (device_) {
        told = device_->answers().control(header.requesttype, header.request, header.value,
                                          header.length, status);
    }
    header.status = static_cast<std::uint8_t>(status == 0 ? usb_redir_success : usb_redir_stall);
    header.length = static_cast<std::uint16_t>(told.size());
    usbredirparser_send_control_packet(parser_.get(), id, &header,
                                       told.empty() ? nullptr : told.data(),
                                       static_cast<int>(told.size()));
}

void RedirLink::bulk(std::uint64_t id, const usb_redir_bulk_packet_header& header, Bytes data) {
    if (device_) {
        device_->ask(id, header, std::move(data));
        return;
    }
    auto gone = header;
    gone.status = usb_redir_ioerror;
    gone.length = gone.length_high = 0;
    usbredirparser_send_bulk_packet(parser_.get(), id, &gone, nullptr, 0);
}

}  // namespace line
