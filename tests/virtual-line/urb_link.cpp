// SPDX-License-Identifier: Apache-2.0
#include "urb_link.h"

#include <cerrno>

namespace line {
namespace {

constexpr std::uint64_t kOwner = 1;  // one kernel, one client

}  // namespace

UrbLink::UrbLink(std::shared_ptr<UsbNode> node) : node_(std::move(node)) {}

UrbLink::~UrbLink() {
    end();
}

void UrbLink::begin() {
    thread_ = std::thread([this] { reap(); });
}

void UrbLink::end() {
    node_->mark_closed(closed_);
    if (thread_.joinable()) {
        thread_.join();
    }
}

void UrbLink::submit(std::uint64_t number, bool in, Bytes out, std::size_t want) {
    auto transfer = std::make_shared<Transfer>();
    transfer->in = in;
    transfer->data = std::move(out);
    transfer->want = want;
    transfer->owner = kOwner;
    transfer->urb = number;
    {
        const std::lock_guard lock(mutex_);
        under_way_.emplace(number, 0);
    }
    if (const int error = node_->submit(transfer, 0); error != 0) {
        transfer->status = -error;
        finish(*transfer);
    }
}

bool UrbLink::cancel(std::uint64_t number, std::uint64_t tag) {
    const std::lock_guard lock(mutex_);
    const auto found = under_way_.find(number);
    if (found == under_way_.end()) {
        return false;
    }
    found->second = tag;
    node_->discard(kOwner, number);  // it refuses one that is done and about to be given back
    return true;
}

void UrbLink::finish(const Transfer& transfer) {
    const std::lock_guard lock(mutex_);
    give_back(transfer, under_way_.at(transfer.urb));
    under_way_.erase(transfer.urb);
}

void UrbLink::reap() {
    while (true) {
        const auto [transfer, error] = node_->reap(kOwner, {}, closed_);
        if (!transfer) {
            return;  // the node left, or we are told to end
        }
        finish(*transfer);
    }
}

}  // namespace line
