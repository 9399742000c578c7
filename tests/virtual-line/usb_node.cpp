// SPDX-License-Identifier: Apache-2.0
#include "usb_node.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace line {
namespace {

// Small enough that eight boards share the wire smoothly, large enough to cost little.
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::chrono::milliseconds kClaimGrace{500};

}  // namespace

UsbNode::UsbNode(Descriptors descriptors, std::shared_ptr<UsbFunction> function,
                 std::shared_ptr<Wire> wire)
    : descriptors_(std::move(descriptors)), function_(std::move(function)), wire_(std::move(wire)) {
    if (function_) {
        thread_ = std::thread([this] { run(); });
    }
}

UsbNode::~UsbNode() {
    leave();
}

int UsbNode::claim(std::uint64_t owner, int pid, unsigned interface) {
    std::unique_lock lock(mutex_);
    // A kernel frees a dead process's claim before its parent hears of the death; here the news
    // comes by a socket, so a claim that is being given up is waited for.
    const auto free_or_own = [&] {
        const auto it = claims_.find(interface);
        return gone_ || it == claims_.end() || it->second.owner == owner;
    };
    if (!changed_.wait_for(lock, kClaimGrace, free_or_own)) {
        return EBUSY;
    }
    if (gone_) {
        return ENODEV;
    }
    claims_.try_emplace(interface, Claim{owner, pid});
    return 0;
}

int UsbNode::release(std::uint64_t owner, unsigned interface) {
    const std::lock_guard lock(mutex_);
    const auto it = claims_.find(interface);
    if (it == claims_.end() || it->second.owner != owner) {
        return gone_ ? ENODEV : EINVAL;
    }
    claims_.erase(it);
    return gone_ ? ENODEV : 0;
}

int UsbNode::submit(const TransferPtr& transfer, int pid) {
    // The kernel claims by itself for those who did not; nobody gets past another's claim.
    if (const int error = claim(transfer->owner, pid, 0); error != 0) {
        return error;
    }
    const std::lock_guard lock(mutex_);
    if (gone_) {
        return ENODEV;
    }
    if (!function_) {
        return ENOENT;
    }
    (transfer->in ? in_ : out_).push_back(transfer);
    changed_.notify_all();
    return 0;
}

int UsbNode::discard(std::uint64_t owner, std::uint64_t urb) {
    const std::lock_guard lock(mutex_);
    for (auto* queue : {&in_, &out_}) {
        for (auto it = queue->begin(); it != queue->end(); ++it) {
            const auto transfer = *it;
            if (transfer->owner == owner && transfer->urb == urb) {
                // One that is on the wire right now is ended by the node's thread; the others here.
                transfer->discarded = true;
                if (queue == &in_ || it != queue->begin()) {
                    queue->erase(it);
                    finish(transfer, -ENOENT);
                }
                changed_.notify_all();
                return 0;
            }
        }
    }
    return EINVAL;
}

void UsbNode::finish(const TransferPtr& transfer, int status) {
    transfer->status = status;
    transfer->done = true;
    if (transfer->urb != 0) {
        finished_.push_back(transfer);
    }
    changed_.notify_all();
}

void UsbNode::complete(const TransferPtr& transfer, int status) {
    const std::lock_guard lock(mutex_);
    finish(transfer, status);
}

int UsbNode::wait(const TransferPtr& transfer, std::chrono::milliseconds timeout,
                  const bool& closed) {
    std::unique_lock lock(mutex_);
    const auto over = [&] { return transfer->done || closed; };
    if (timeout.count() == 0) {
        changed_.wait(lock, over);
    } else {
        changed_.wait_for(lock, timeout, over);
    }
    if (transfer->done) {
        return -transfer->status;
    }
    transfer->discarded = true;
    std::erase(in_, transfer);
    changed_.notify_all();
    if (!out_.empty() && out_.front() != transfer) {
        std::erase(out_, transfer);
    }
    return ETIMEDOUT;
}

std::pair<TransferPtr, int> UsbNode::reap(std::uint64_t owner,
                                          std::optional<std::chrono::milliseconds> timeout,
                                          const bool& closed) {
    std::unique_lock lock(mutex_);
    TransferPtr found;
    const auto look = [&] {
        const auto it = std::find_if(finished_.begin(), finished_.end(),
                                     [&](const auto& one) { return one->owner == owner; });
        if (it != finished_.end()) {
            found = *it;
            finished_.erase(it);
        }
        return found || gone_ || closed;
    };
    const auto mine = [&](const auto& one) { return one->owner == owner; };
    if (timeout && std::none_of(in_.begin(), in_.end(), mine) &&
        std::none_of(out_.begin(), out_.end(), mine)) {
        look();  // nothing under way: nothing to wait for
    } else if (timeout) {
        changed_.wait_for(lock, *timeout, look);
    } else {
        changed_.wait(lock, look);
    }
    return {found, found ? 0 : gone_ ? ENODEV : EAGAIN};
}

Bytes UsbNode::control(std::uint8_t type, std::uint8_t request, std::uint16_t value,
                       std::uint16_t length, int& error) {
    error = 0;
    if (gone()) {
        error = -ENODEV;
        return {};
    }
    Bytes answer;
    const bool to_host = (type & 0x80) != 0;
    const bool standard = (type & 0x60) == 0;
    const unsigned what = value >> 8;
    const unsigned index = value & 0xff;
    if (!to_host) {
        return {};  // SET_*: nothing to do
    }
    if (!standard) {
        const auto said = function_ ? function_->control(request) : std::nullopt;
        if (!said) {
            error = -EPIPE;
            return {};
        }
        answer = *said;
    } else if (request == 6 && what == 1) {
        answer = descriptors_.device;
    } else if (request == 6 && what == 2) {
        answer = descriptors_.configuration;
    } else if (request == 6 && what == 3 && index == 0) {
        answer = {4, 3, 9, 4};
    } else if (request == 6 && what == 3 && index <= descriptors_.strings.size()) {
        const auto& text = descriptors_.strings[index - 1];
        answer = {static_cast<std::uint8_t>(2 + 2 * text.size()), 3};
        for (const char c : text) {
            answer.push_back(static_cast<std::uint8_t>(c));
            answer.push_back(0);
        }
    } else if (request == 0) {
        answer = {0, 0};  // GET_STATUS
    } else if (request == 8) {
        answer = {1};  // GET_CONFIGURATION
    } else {
        error = -EPIPE;
        return {};
    }
    answer.resize(std::min<std::size_t>(answer.size(), length));
    return answer;
}

void UsbNode::mark_closed(bool& closed) {
    const std::lock_guard lock(mutex_);
    closed = true;
    changed_.notify_all();
}

void UsbNode::close(std::uint64_t owner) {
    const std::lock_guard lock(mutex_);
    std::erase_if(claims_, [&](const auto& entry) { return entry.second.owner == owner; });
    std::erase_if(finished_, [&](const auto& one) { return one->owner == owner; });
    for (auto* queue : {&in_, &out_}) {
        for (const auto& transfer : *queue) {
            if (transfer->owner == owner) {
                transfer->discarded = true;
                transfer->urb = 0;
            }
        }
    }
    std::erase_if(in_, [&](const auto& one) { return one->owner == owner; });
    changed_.notify_all();
}

void UsbNode::leave() {
    {
        const std::lock_guard lock(mutex_);
        if (!gone_) {
            gone_ = true;
            for (auto* queue : {&in_, &out_}) {
                for (const auto& transfer : *queue) {
                    finish(transfer, transfer->urb != 0 ? -ESHUTDOWN : -ENODEV);
                }
                queue->clear();
            }
            changed_.notify_all();
        }
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool UsbNode::gone() const {
    const std::lock_guard lock(mutex_);
    return gone_;
}

int UsbNode::claimant() const {
    const std::lock_guard lock(mutex_);
    return claims_.empty() ? 0 : claims_.begin()->second.pid;
}

Bytes UsbNode::raw_descriptors() const {
    Bytes raw = descriptors_.device;
    raw.insert(raw.end(), descriptors_.configuration.begin(), descriptors_.configuration.end());
    return raw;
}

// Lets the function answer the oldest IN; false when it has nothing to say.
bool UsbNode::drain() {
    if (in_.empty()) {
        return false;
    }
    const auto transfer = in_.front();
    transfer->data.resize(transfer->want);
    transfer->actual = function_->in(transfer->data);
    if (transfer->actual == 0) {
        return false;
    }
    in_.pop_front();
    finish(transfer, 0);
    return true;
}

// Moves one piece of the oldest OUT; false when there is none.
bool UsbNode::feed(std::unique_lock<std::mutex>& lock) {
    if (out_.empty()) {
        return false;
    }
    const auto transfer = out_.front();
    const auto piece = std::min(kPiece, transfer->data.size() - transfer->actual);
    if (piece != 0 && !transfer->discarded && wire_) {
        const auto passed = wire_->reserve(piece, this);
        while (!gone_ && !transfer->discarded && Clock::now() < passed) {
            changed_.wait_until(lock, passed);
        }
    }
    if (gone_) {
        return true;
    }
    if (transfer->discarded) {
        std::erase(out_, transfer);
        finish(transfer, -ENOENT);
        return true;
    }
    const std::span<const std::uint8_t> bytes(transfer->data.data() + transfer->actual, piece);
    lock.unlock();
    function_->out(bytes);
    lock.lock();
    transfer->actual += piece;
    if (!gone_ && transfer->actual == transfer->data.size()) {
        std::erase(out_, transfer);
        finish(transfer, 0);
    }
    return true;
}

void UsbNode::run() {
    std::unique_lock lock(mutex_);
    while (!gone_) {
        const bool held = function_->silent();
        const auto ready = function_->ready_at();
        if (held || Clock::now() < ready) {
            // What was given up must end even on a device that answers nothing.
            while (!out_.empty() && out_.front()->discarded) {
                const auto transfer = out_.front();
                out_.pop_front();
                finish(transfer, -ENOENT);
            }
            if (held) {
                changed_.wait(lock);
            } else {
                changed_.wait_until(lock, ready);
            }
            continue;
        }
        if (!drain() && !feed(lock)) {
            changed_.wait(lock);
        }
    }
}

}  // namespace line
