// SPDX-License-Identifier: Apache-2.0
// Hides what is secret in a text of profiles and recipes, so that a page may show it, and puts it
// back when the text comes edited. In place of each secret stands "(kept-1)", numbered; left as it
// is it means the secret, in whatever table of the same kind it stands then. It may stand for no
// other field, else a person could copy a secret to where it is shown. Thread: any (pure).
#pragma once

#include "station/config/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace lineside::config {

// An edited text with its secrets in it.
class Meant {
  public:
    std::string text;                   // good only when there are no complaints
    std::vector<Complaint> complaints;  // with places in the edited text
    std::vector<std::string> written;   // fields of secrets that were typed anew

    // A complaint about `text`, as one about what was edited: a secret has another length than its
    // mark.
    [[nodiscard]] Complaint in_edited(Complaint complaint) const;

  private:
    friend class HiddenSecrets;
    struct Piece {
        std::size_t edited_from, edited_to, meant_from, meant_to;
    };
    std::string edited_;
    std::vector<Piece> pieces_;
};

class HiddenSecrets {
  public:
    // Errors: config.invalid, with the place: what is no TOML is not shown, because nobody can say
    // what is secret in it.
    [[nodiscard]] static base::Result<HiddenSecrets> of(std::string text);

    [[nodiscard]] const std::string& shown() const { return shown_; }
    [[nodiscard]] Meant put_back(std::string_view edited, const std::string& file) const;

  private:
    struct Secret {
        std::string field;  // "profile.ssh.password"; "#" in a comment
        std::string as_written;
    };
    std::vector<Secret> secrets_;
    std::string shown_;
};

}  // namespace lineside::config
