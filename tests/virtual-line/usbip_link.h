// SPDX-License-Identifier: Apache-2.0
// The device's end of the usbip protocol, as the kernel's vhci_hcd speaks it after the import
// (Documentation/usb/usbip_protocol.rst). Threads: one that reads, UrbLink's that answers.
#pragma once

#include "urb_link.h"

namespace line {

class UsbipLink : public UrbLink {
  public:
    // Takes over `fd`, a stream socket whose other end the kernel has.
    UsbipLink(int fd, std::shared_ptr<UsbNode> node);
    ~UsbipLink() override;

  protected:
    void give_back(const Transfer& transfer, std::uint64_t tag) override;

  private:
    void serve();
    bool take_one(Bytes& out);
    void answer(std::uint32_t command, std::uint32_t number, int status, const Bytes& in,
                std::size_t actual);

    const int fd_;
    std::mutex writing_;
    std::thread reader_;
};

}  // namespace line
