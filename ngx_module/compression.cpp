#include "compression.hpp"

#include <zlib.h>

#include <memory>
#include <new>

#include "ws_frame.hpp"

namespace herald {

const std::string_view kGzipHeader("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);  // no name, no time

namespace {

// What a sync flush ends with (RFC 1951, section 3.2.4: an empty stored block).
constexpr std::string_view kFlushed("\0\0\xff\xff", 4);

// zlib's state, 256 KB, is set up once for all that a thread compresses.
class Deflater {
  public:
    Deflater() {
        constexpr int kRaw = -15, kMemory = 8;
        if (deflateInit2(&stream_, kLevel, Z_DEFLATED, kRaw, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    ~Deflater() { deflateEnd(&stream_); }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    void append(std::string& out, std::string_view text) {
        deflateReset(&stream_);
        const size_t before = out.size();
        out.resize(before + deflateBound(&stream_, text.size()) + kFlushed.size() + 1);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
        stream_.avail_in = static_cast<uInt>(text.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        stream_.avail_out = static_cast<uInt>(out.size() - before);
        deflate(&stream_, Z_SYNC_FLUSH);
        out.resize(out.size() - stream_.avail_out);
    }

  private:
    static constexpr int kLevel = 6;
    z_stream stream_{};
};

Deflater& deflater() {
    thread_local std::unique_ptr<Deflater> made;
    if (!made)
        made = std::make_unique<Deflater>();
    return *made;
}

void append_compressed_frame(std::string& out, std::string_view frame) {
    const size_t header = ws_header_size(frame);
    const std::string_view payload = frame.substr(header);
    const size_t before = out.size();
    out.resize(before + kWsMaxHeader);
    deflater().append(out, payload);

    // The receiver adds what the flush has left (RFC 7692, section 7.2.1).
    const size_t size = out.size() - before - kWsMaxHeader - kFlushed.size();
    if (size >= payload.size()) {
        out.replace(before, out.npos, frame);
        return;
    }
    out.resize(out.size() - kFlushed.size());
    char head[kWsMaxHeader];
    const size_t head_size = ws_header(head, kWsText | kWsCompressed, size);
    out.replace(before, kWsMaxHeader, head, head_size);
}

}  // namespace

void GzipSum::add(std::string_view text) {
    crc = static_cast<uint32_t>(
        crc32_z(crc, reinterpret_cast<const Bytef*>(text.data()), text.size()));
    size += text.size();
}

// The CRC of A and B together is that of A, moved over B's length, xor that of B. So that of B
// follows from those of A and of both, and what it adds to another one from both moves at once.
void GzipSum::add_between(const GzipSum& from, const GzipSum& to) {
    const uint64_t between = to.size - from.size;
    if (between == 0)
        return;
    crc =
        static_cast<uint32_t>(crc32_combine(crc ^ from.crc, to.crc, static_cast<z_off_t>(between)));
    size += between;
}

std::string gzip_trailer(const GzipSum& sum) {
    std::string out("\x03\0", 2);  // the last block, which is empty
    for (uint32_t value : {sum.crc, static_cast<uint32_t>(sum.size)}) {
        for (int shift = 0; shift < 32; shift += 8)
            out.push_back(static_cast<char>(value >> shift & 0xff));
    }
    return out;
}

void append_gzip_block(std::string& out, std::string_view text) {
    deflater().append(out, text);
}

void append_compressed_event(std::string& out, const Encoding& encoding, const OutEvent& event,
                             GzipSum& sum) {
    thread_local std::string plain;  // memory for one event, used again
    plain.clear();
    append_event(plain, encoding.transport, encoding.ids, event);
    if (encoding.transport == Transport::Sse) {
        append_gzip_block(out, plain);
        sum.add(plain);
    } else {
        append_compressed_frame(out, plain);
    }
}

}  // namespace herald
