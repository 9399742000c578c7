// SPDX-License-Identifier: Apache-2.0
// For tests only: a label printer on loopback, which closes behind each label as print servers do,
// or hangs.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/streambuf.hpp>

#include <fmt/format.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace lineside::labels {

class FakePrinter {
  public:
    explicit FakePrinter(boost::asio::io_context& loop)
        : acceptor_(loop, {boost::asio::ip::address_v4::loopback(), 0}) {
        accept();
    }
    [[nodiscard]] std::string address() const {
        return fmt::format("127.0.0.1:{}", acceptor_.local_endpoint().port());
    }

    bool hangs = false;               // takes connections and reads nothing
    std::vector<std::string> labels;  // that came whole

  private:
    using Socket = boost::asio::ip::tcp::socket;
    void accept() {
        acceptor_.async_accept([this](boost::system::error_code error, Socket socket) {
            if (error) {
                return;
            }
            sockets_.push_back(std::move(socket));
            if (!hangs) {
                read(sockets_.back());
            }
            accept();
        });
    }
    void read(Socket& socket) {
        auto bytes = std::make_shared<std::string>();
        boost::asio::async_read(
            socket, boost::asio::dynamic_buffer(*bytes),
            [this, &socket, bytes](boost::system::error_code error, std::size_t /*count*/) {
                if (error == boost::asio::error::eof) {
                    labels.push_back(*bytes);
                    socket.close();
                }
            });
    }
    boost::asio::ip::tcp::acceptor acceptor_;
    std::list<Socket> sockets_;
};

}  // namespace lineside::labels
