// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/etc_files.h"

#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/media/recipe/file_system.h"
#include "workers/media/recipe/mounted.h"

#include <crypt.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace lineside::media {
namespace {

// fstab separates fields by blanks: those inside one are written as octal numbers.
std::string fstab_field(std::string_view text) {
    std::string field;
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\\') {
            field += fmt::format("\\{:03o}", static_cast<unsigned>(c));
        } else {
            field += c;
        }
    }
    return field;
}

std::size_t depth(std::string_view mount_point) {
    std::size_t steps = 0;
    for (const std::string_view step : base::split(mount_point, '/')) {
        steps += step.empty() ? 0U : 1U;
    }
    return steps;
}

}  // namespace

std::string fstab_of(const Recipe& recipe, const std::vector<std::string>& uuids) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < recipe.partitions.size(); ++i) {
        if (!recipe.partitions[i].mount_point.empty()) {
            order.push_back(i);
        }
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return depth(recipe.partitions[a].mount_point) < depth(recipe.partitions[b].mount_point);
    });
    std::string text;
    for (const std::size_t i : order) {
        const RecipePartition& each = recipe.partitions[i];
        text += fmt::format("UUID={}\t{}\t{}\t{}\t0\t0\n", uuids.at(i),
                            fstab_field(each.mount_point), kernel_name(each.fs_type),
                            each.mount_opts.empty() ? "defaults" : fstab_field(each.mount_opts));
    }
    return text;
}

std::string shadow_with(std::string_view text, std::string_view hash, std::int64_t day) {
    std::string result;
    bool found = false;
    for (const std::string_view line : base::split(text, '\n')) {
        if (!line.starts_with("root:")) {
            result += line;
            result += '\n';
            continue;
        }
        // name:hash:day of the change:min:max:warn:inactive:expires:
        const auto fields = base::split(line, ':');
        result += fmt::format("root:{}:{}", hash, day);
        for (std::size_t i = 3; i < std::max<std::size_t>(fields.size(), 9); ++i) {
            result += ':';
            result += i < fields.size() ? fields[i] : std::string_view();
        }
        result += '\n';
        found = true;
    }
    if (text.empty() || text.ends_with('\n')) {
        result.pop_back();  // what split() saw behind the last line
    }
    return found ? result : fmt::format("root:{}:{}:0:99999:7:::\n", hash, day) + result;
}

base::Result<std::string> hash_password(const base::Secret& password) {
    if (password.empty() || password.reveal().size() > CRYPT_MAX_PASSPHRASE_SIZE ||
        password.reveal().find('\0') != std::string_view::npos) {
        return base::fail("config.invalid", "root's password is empty or too long: choose another");
    }
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
    if (::crypt_gensalt_rn("$6$", 0, nullptr, 0, salt.data(), static_cast<int>(salt.size())) ==
        nullptr) {
        return base::fail_errno("host.unfit", "crypt_gensalt", errno);
    }
    const base::Secret word{std::string(password.reveal())};  // ends in a zero byte
    const auto data = std::make_unique<crypt_data>();
    const char* const hash = ::crypt_r(word.reveal().data(), salt.data(), data.get());
    if (hash == nullptr || hash[0] == '*') {
        return base::fail_errno("host.unfit", "crypt", errno);
    }
    std::string result = hash;
    ::explicit_bzero(data.get(), sizeof *data);
    return result;
}

base::Result<std::string> read_below(int root, const std::string& path, std::size_t most) {
    const base::UniqueFd fd(open_below(root, path, O_RDONLY));
    if (!fd) {
        if (errno == ENOENT) {
            return std::string();
        }
        return base::fail_errno("unit.storage", "cannot open /" + path, errno);
    }
    std::string text(most + 1, '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + done, text.size() - done);
        if (got < 0) {
            return base::fail_errno("unit.storage", "cannot read /" + path, errno);
        }
        if (got == 0) {
            text.resize(done);
            return text;
        }
        done += static_cast<std::size_t>(got);
    }
    return base::fail("media.source", fmt::format("/{} is longer than {} bytes", path, most));
}

base::Status write_below(int root, const std::string& path, std::string_view text, mode_t mode) {
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
        const auto slash = path.rfind('/', at - 1);
        const base::UniqueFd parent(
            open_below(root, slash == std::string::npos ? "." : path.substr(0, slash), O_PATH));
        const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1,
                                             at - (slash == std::string::npos ? 0 : slash + 1));
        if (!parent || (::mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST)) {
            return base::fail_errno("unit.storage", "cannot make the folder of /" + path, errno);
        }
    }
    const base::UniqueFd fd(open_below(root, path, O_WRONLY | O_CREAT | O_TRUNC, mode));
    if (!fd) {
        return base::fail_errno("unit.storage", "cannot write /" + path, errno);
    }
    while (!text.empty()) {
        const ssize_t put = ::write(fd.get(), text.data(), text.size());
        if (put < 0) {
            return base::fail_errno(base::no_room(errno) ? "media.too_small" : "unit.storage",
                                    "cannot write /" + path, errno);
        }
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

}  // namespace lineside::media
