// SPDX-License-Identifier: Apache-2.0
// The one place where Asio is compiled (BOOST_ASIO_SEPARATE_COMPILATION); everybody else sees only
// declarations. Include single Asio headers, never <boost/asio.hpp>.
#include <boost/asio/impl/src.hpp>
