// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/bmap.h"

#include "station/base/text.h"
#include "workers/media/formats/digest.h"

#include <expat.h>

#include <charconv>
#include <memory>

namespace lineside::media {
namespace {

constexpr std::size_t kMostRanges = 2'000'000;
constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostText = 4096;  // of one element: a number or a checksum
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;

constexpr std::array<std::string_view, 7> kWanted{
    "ImageSize",    "BlockSize",        "BlocksCount", "MappedBlocksCount",
    "ChecksumType", "BmapFileChecksum", "BmapFileSHA1"};

std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() ||
        number > kMostBytes) {
        return std::nullopt;
    }
    return number;
}

bool is_checksum(std::string_view text, std::size_t digits) {
    return text.size() == digits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// An element of kWanted as it stands in the file.
struct Element {
    std::string text;
    std::int64_t line = 1, column = 1;
    std::size_t text_at = 0, ends_at = 0;  // bytes of the file
};

// What expat saw, still without meaning.
class Document {
  public:
    Document(std::string_view xml, Report& report) : xml_(xml), report_(report) {}

    // False where the XML itself is refused.
    bool parse() {
        parser_.reset(XML_ParserCreate(nullptr));
        if (!parser_) {
            report_.error({1, 1, "", "no memory to read it"});
            return false;
        }
        XML_SetUserData(parser_.get(), this);
        XML_SetElementHandler(
            parser_.get(),
            [](void* self, const XML_Char* name, const XML_Char** attributes) {
                static_cast<Document*>(self)->open(name, attributes);
            },
            [](void* self, const XML_Char*) { static_cast<Document*>(self)->close(); });
        XML_SetCharacterDataHandler(
            parser_.get(), [](void* self, const XML_Char* text, int length) {
                static_cast<Document*>(self)->text({text, static_cast<std::size_t>(length)});
            });
        XML_SetStartDoctypeDeclHandler(
            parser_.get(), [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
                static_cast<Document*>(self)->stop(
                    "a document type: a block map has none; remove <!DOCTYPE …>");
            });
        const auto status =
            XML_Parse(parser_.get(), xml_.data(), static_cast<int>(xml_.size()), XML_TRUE);
        if (status != XML_STATUS_OK && !stopped_) {
            here("", fmt::format("not valid XML: {}; make the map anew",
                                 XML_ErrorString(XML_GetErrorCode(parser_.get()))));
        }
        return status == XML_STATUS_OK && !stopped_;
    }

    std::string version;
    std::int64_t version_line = 1;
    std::map<std::string, Element, std::less<>> elements;
    std::vector<BmapRange> ranges;
    std::vector<std::string> range_texts;
    bool has_block_map = false;
    bool sha1_attributes = false;

  private:
    struct Free {
        void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
    };

    [[nodiscard]] std::int64_t line() const {
        return static_cast<std::int64_t>(XML_GetCurrentLineNumber(parser_.get()));
    }
    [[nodiscard]] std::int64_t column() const {
        return static_cast<std::int64_t>(XML_GetCurrentColumnNumber(parser_.get())) + 1;
    }
    [[nodiscard]] std::size_t byte() const {
        return static_cast<std::size_t>(
            std::max<XML_Index>(XML_GetCurrentByteIndex(parser_.get()), 0));
    }

    void here(std::string_view field, std::string message) {
        report_.error({line(), column(), std::string(field), std::move(message)});
    }
    void stop(std::string message) {
        here("", std::move(message));
        stopped_ = true;
        XML_StopParser(parser_.get(), XML_FALSE);
    }

    void open(std::string_view name, const XML_Char** attributes) {
        if (stopped_) {
            return;
        }
        path_.emplace_back(name.substr(0, 64));
        if (path_.size() > kMostDepth) {
            stop("elements inside each other that no block map has");
            return;
        }
        open_ = {"", line(), column(), 0, 0};
        if (path_.size() == 1) {
            open_root(name, attributes);
        } else if (at({"bmap", "BlockMap"})) {
            if (std::exchange(has_block_map, true)) {
                here("BlockMap", "there are two of them: keep one");
            }
        } else if (at({"bmap", "BlockMap", "Range"})) {
            open_range(attributes);
        } else if (path_.size() == 2 &&
                   std::find(kWanted.begin(), kWanted.end(), name) == kWanted.end()) {
            report_.warning(
                {line(), column(), path_.back(), "the element is not known and does not count"});
        }
    }

    void open_root(std::string_view name, const XML_Char** attributes) {
        if (name != "bmap") {
            stop(
                fmt::format("the outermost element is {}, of a block map it is bmap", shown(name)));
            return;
        }
        version_line = line();
        for (; *attributes != nullptr; attributes += 2) {
            if (std::string_view(attributes[0]) == "version") {
                version = std::string(trimmed(std::string_view(attributes[1]).substr(0, 64)));
            }
        }
    }

    void open_range(const XML_Char** attributes) {
        if (ranges.size() == kMostRanges) {
            stop(fmt::format("more than {} ranges: use a larger block size", kMostRanges));
            return;
        }
        BmapRange range;
        range.line = open_.line;
        range.column = open_.column;
        for (; *attributes != nullptr; attributes += 2) {
            const std::string_view key = attributes[0];
            if (key == "chksum" || key == "sha1") {
                sha1_attributes = sha1_attributes || key == "sha1";
                range.checksum = base::to_lower_ascii(
                    trimmed(std::string_view(attributes[1]).substr(0, kMostText)));
                if (range.checksum.empty()) {
                    range.checksum = "(empty)";  // given, and no checksum
                }
            }
        }
        ranges.push_back(std::move(range));
    }

    void text(std::string_view piece) {
        if (stopped_) {
            return;
        }
        if (open_.text.empty()) {
            open_.text_at = byte();
        }
        if (open_.text.size() + piece.size() > kMostText) {
            if (trimmed(piece).empty()) {
                return;
            }
            stop("a text longer than any number or checksum");
            return;
        }
        open_.text += piece;
    }

    void close() {
        if (stopped_) {
            return;
        }
        open_.ends_at = byte();
        if (at({"bmap", "BlockMap", "Range"})) {
            range_texts.emplace_back(trimmed(open_.text));
        } else if (path_.size() == 2 &&
                   std::find(kWanted.begin(), kWanted.end(), path_.back()) != kWanted.end()) {
            const std::string& name = path_.back();
            open_.text = std::string(trimmed(open_.text));
            if (!elements.emplace(name, open_).second) {
                here(name, "it is there twice: keep one");
            }
        }
        path_.pop_back();
        open_.text.clear();
    }

    [[nodiscard]] bool at(std::initializer_list<std::string_view> path) const {
        return std::equal(path_.begin(), path_.end(), path.begin(), path.end());
    }

    std::string_view xml_;
    Report& report_;
    std::unique_ptr<XML_ParserStruct, Free> parser_;
    std::vector<std::string> path_;
    Element open_;
    bool stopped_ = false;
};

class Reader {
  public:
    Reader(std::string_view xml, Report& report)
        : xml_(xml), report_(report), document_(xml, report) {}

    Bmap run() {
        if (!document_.parse() || !read_version()) {
            return std::move(map_);
        }
        const bool sizes = read_counts();
        read_checksum_type();
        if (!document_.has_block_map) {
            report_.error({document_.version_line, 1, "BlockMap",
                           "it is missing: the file is cut or no block map; make it anew"});
        }
        read_ranges(sizes);
        check_file_checksum();
        return std::move(map_);
    }

  private:
    void complain(const Element& at, std::string_view field, std::string message) {
        report_.error({at.line, at.column, std::string(field), std::move(message)});
    }

    [[nodiscard]] const Element* find(std::string_view name) const {
        const auto found = document_.elements.find(name);
        return found == document_.elements.end() ? nullptr : &found->second;
    }

    void missing(std::string_view name) {
        report_.error({document_.version_line, 1, std::string(name),
                       "it is missing: make the map anew with bmaptool create"});
    }

    bool read_version() {
        const std::string& text = document_.version;
        auto refuse = [&](std::string message) {
            report_.error({document_.version_line, 1, "version", std::move(message)});
            return false;
        };
        const auto dot = text.find('.');
        const auto major = to_number(text.substr(0, dot));
        const auto minor =
            to_number(dot == std::string::npos ? std::string() : text.substr(dot + 1));
        if (!major || !minor || *major > 1'000'000 || *minor > 1'000'000) {
            return refuse(fmt::format("{} is no version: write one like 2.0", shown(text)));
        }
        if (*major > 2) {
            return refuse(
                fmt::format("version {} is newer than 2: make the map with a bmaptool that writes "
                            "2.0",
                            text));
        }
        if (*major < 1 || (*major == 1 && *minor < 2)) {
            return refuse(fmt::format("version {} is older than 1.2: make the map anew", text));
        }
        map_.major = static_cast<unsigned>(*major);
        map_.minor = static_cast<unsigned>(*minor);
        if ((map_.major == 1 && map_.minor > 4) || (map_.major == 2 && map_.minor > 0)) {
            report_.warning(
                {document_.version_line, 1, "version",
                 fmt::format("version {} is newer than this reader: it is read as 2.0", text)});
        }
        return true;
    }

    std::optional<std::uint64_t> number(std::string_view name) {
        const Element* element = find(name);
        if (element == nullptr) {
            missing(name);
            return std::nullopt;
        }
        auto value = to_number(element->text);
        if (!value) {
            complain(*element, name,
                     fmt::format("{} is no whole number in range", shown(element->text)));
        }
        return value;
    }

    // True where the ranges can be judged.
    bool read_counts() {
        const auto image = number("ImageSize");
        const auto block = number("BlockSize");
        const auto count = number("BlocksCount");
        const auto mapped = number("MappedBlocksCount");
        if (image && *image == 0) {
            complain(*find("ImageSize"), "ImageSize", "an image of 0 bytes: make the map anew");
        }
        if (block && *block == 0) {
            complain(*find("BlockSize"), "BlockSize", "it is 0: make the map anew");
        }
        if (!image || !block || !count || !mapped || *image == 0 || *block == 0) {
            return false;
        }
        map_.image_size = *image;
        map_.block_size = *block;
        map_.blocks_count = *count;
        map_.mapped_blocks = *mapped;
        const std::uint64_t wanted = (*image - 1) / *block + 1;
        if (*count != wanted) {
            complain(*find("BlocksCount"), "BlocksCount",
                     fmt::format("it is {}, but {} bytes in blocks of {} are {}: make the map anew",
                                 *count, *image, *block, wanted));
            return false;
        }
        if (*mapped > *count) {
            complain(
                *find("MappedBlocksCount"), "MappedBlocksCount",
                fmt::format("it is {}, more than the {} blocks of the image", *mapped, *count));
        }
        if (*block % 512 != 0) {
            report_.warning({find("BlockSize")->line, find("BlockSize")->column, "BlockSize",
                             "it is no multiple of 512: parts of sectors will be written"});
        }
        return true;
    }

    void read_checksum_type() {
        const bool modern = map_.major > 1 || map_.minor >= 4;
        if (modern) {
            const Element* type = find("ChecksumType");
            if (type == nullptr) {
                missing("ChecksumType");
                return;
            }
            map_.checksum_type = base::to_lower_ascii(type->text);
            if (!Digest::of(map_.checksum_type)) {
                complain(*type, "ChecksumType",
                         fmt::format("{} is not known: md5, sha1, sha224, sha256, sha384 and "
                                     "sha512 are",
                                     shown(type->text)));
                map_.checksum_type.clear();
            }
        } else if (map_.minor == 3 || document_.sha1_attributes ||
                   find("BmapFileSHA1") != nullptr) {
            map_.checksum_type = "sha1";
        }
    }

    void read_ranges(bool sizes) {
        const auto digest = Digest::of(map_.checksum_type);
        std::uint64_t mapped = 0, next = 0;
        std::size_t bare = 0;
        bool all_good = sizes;
        for (std::size_t i = 0; i < document_.ranges.size(); ++i) {
            BmapRange range = document_.ranges[i];
            const std::string field = fmt::format("BlockMap.Range[{}]", i);
            auto refuse = [&](std::string message) {
                report_.error({range.line, range.column, field, std::move(message)});
                all_good = false;
            };
            const std::string& text = document_.range_texts[i];
            const auto dash = text.find('-');
            const auto first = to_number(trimmed(std::string_view(text).substr(0, dash)));
            const auto last = dash == std::string::npos
                                  ? first
                                  : to_number(trimmed(std::string_view(text).substr(dash + 1)));
            bare += range.checksum.empty() ? 1U : 0U;
            if (digest && !range.checksum.empty() &&
                !is_checksum(range.checksum, digest->hex_digits())) {
                refuse(fmt::format("{} is no {} of {} digits", shown(range.checksum),
                                   map_.checksum_type, digest->hex_digits()));
            }
            if (!first || !last) {
                refuse(fmt::format("{} is no range: write 5 or 5-9", shown(text)));
            } else if (*first > *last) {
                refuse(fmt::format("{} ends before it begins", shown(text)));
            } else if (sizes && *last >= map_.blocks_count) {
                refuse(
                    fmt::format("block {} is past the end: the image has {} blocks, counted "
                                "from 0",
                                *last, map_.blocks_count));
            } else if (*first < next) {
                refuse(
                    fmt::format("it begins at block {}, and the ranges before go to {}: ranges "
                                "stand in order and never overlap",
                                *first, next - 1));
            } else {
                range.first = *first;
                range.last = *last;
                next = *last + 1;
                mapped += *last - *first + 1;
                map_.ranges.push_back(std::move(range));
            }
        }
        judge_ranges(all_good, mapped, bare);
    }

    void judge_ranges(bool all_good, std::uint64_t mapped, std::size_t bare) {
        if (all_good && mapped != map_.mapped_blocks && map_.mapped_blocks <= map_.blocks_count) {
            complain(*find("MappedBlocksCount"), "MappedBlocksCount",
                     fmt::format("it is {}, but the ranges hold {} blocks: the file is cut or was "
                                 "edited; make the map anew",
                                 map_.mapped_blocks, mapped));
        }
        if (bare > 0 && !map_.checksum_type.empty()) {
            report_.warning({document_.version_line, 1, "BlockMap",
                             fmt::format("{} of {} ranges have no checksum: their bytes are not "
                                         "compared",
                                         bare, document_.ranges.size())});
        }
        if (document_.ranges.empty() && document_.has_block_map) {
            report_.warning({document_.version_line, 1, "BlockMap",
                             "no range in it: nothing would be written"});
        }
    }

    // The file's own checksum is made with that very field full of zeros.
    void check_file_checksum() {
        const bool modern = map_.major > 1 || map_.minor >= 4;
        const std::string_view name = modern ? "BmapFileChecksum" : "BmapFileSHA1";
        const Element* element = find(name);
        if (element == nullptr) {
            if (modern || map_.minor == 3) {
                missing(name);
            }
            return;
        }
        auto digest = Digest::of(map_.checksum_type);
        if (!digest) {
            return;  // told with the type
        }
        const std::string wanted = base::to_lower_ascii(element->text);
        const std::size_t at = xml_.find(element->text, element->text_at);
        if (!is_checksum(wanted, digest->hex_digits()) || at == std::string_view::npos ||
            at + element->text.size() > element->ends_at) {
            complain(*element, name,
                     fmt::format("{} is no {} of {} digits", shown(element->text),
                                 map_.checksum_type, digest->hex_digits()));
            return;
        }
        digest->update(xml_.substr(0, at));
        digest->update(std::string(wanted.size(), '0'));
        digest->update(xml_.substr(at + wanted.size()));
        if (const std::string found = digest->end(); found != wanted) {
            complain(
                *element, name,
                fmt::format("the map was changed or cut: its {} is {}, and it says {}; take it "
                            "anew from where it came from",
                            map_.checksum_type, found, wanted));
        }
    }

    std::string_view xml_;
    Report& report_;
    Document document_;
    Bmap map_;
};

}  // namespace

Bmap read_bmap(std::string_view xml, Report& report) {
    if (xml.size() > kMaxBmapBytes) {
        report.error(
            {1, 1, "", fmt::format("larger than {} bytes, which no block map is", kMaxBmapBytes)});
        return {};
    }
    return Reader(xml, report).run();
}

}  // namespace lineside::media
