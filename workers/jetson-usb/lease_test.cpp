// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/lease.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <vector>

namespace lineside::jetson_usb {

TEST(Lease, Ten_at_a_time_and_a_killed_holder_gives_its_own_back) {
    std::string name = "/tmp/lease-test.XXXXXX";
    const std::filesystem::path folder = ::mkdtemp(name.data());
    std::vector<InstanceLease> held;
    std::set<int> numbers;
    for (int i = 0; i < kInstances - 1; ++i) {
        auto got = lease_instance(folder);
        ASSERT_TRUE(got) << got.error().message;
        numbers.insert(got->instance);
        held.push_back(std::move(*got));
    }
    EXPECT_EQ(numbers.size(), static_cast<std::size_t>(kInstances - 1));
    EXPECT_EQ(*numbers.rbegin(), kInstances - 2);

    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t other = ::fork();
    if (other == 0) {
        const auto last = lease_instance(folder);
        const char said = last && last->instance == kInstances - 1 ? 'y' : 'n';
        (void)!::write(ready[1], &said, 1);
        ::pause();
        ::_exit(0);
    }
    char said = 0;
    ASSERT_EQ(::read(ready[0], &said, 1), 1);
    EXPECT_EQ(said, 'y');
    const auto none = lease_instance(folder);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, "lane.failed");
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    EXPECT_TRUE(lease_instance(folder));
    held.erase(held.begin());
    EXPECT_EQ(lease_instance(folder)->instance, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    std::filesystem::remove_all(folder);
}

}  // namespace lineside::jetson_usb
