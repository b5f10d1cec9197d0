// Files, mappings and file locks.
//
// Locks are open-file-description locks: they belong to the descriptor, not to the process, so that two buses in one
// process exclude each other, and the kernel drops them when the last descriptor is closed, however the process ended.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "gcg/errors.h"

namespace gcg {

// Counts the forks between this process and its first ancestor; raised in the child by a fork handler.
inline std::atomic<int> fork_generation{0};

// Tells a child of fork() that something was opened before the fork.
class ForkGuard {
 public:
    // relaxed, both: the generation changes only in a fork's child, which has one thread at that moment.
    [[nodiscard]] bool forked() const { return fork_generation.load(std::memory_order_relaxed) != generation_; }

 private:
    int generation_ = fork_generation.load(std::memory_order_relaxed);
};

// An open file. Closes itself.
class File {
 public:
    File() = default;
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(File&& other) noexcept : descriptor_(other.release()) {}
    File& operator=(File&& other) noexcept;
    ~File();

    // Open with O_CLOEXEC and mode 0600. `try_open` returns an empty File if the file does not exist.
    static File open(const std::string& path, int flags);
    [[nodiscard]] static File try_open(const std::string& path, int flags);

    [[nodiscard]] explicit operator bool() const { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    [[nodiscard]] uint64_t size(const std::string& path) const;
    int release();

 private:
    int descriptor_ = -1;
};

// Whether another open file description holds a lock on any of the bytes [first, first + count) of this file.
[[nodiscard]] bool held_elsewhere(int descriptor, int64_t first, int64_t count, const std::string& path);

// A file kept open for its locks. A child of fork() closes its copy at once, so that the locks end with the parent.
class LockFile {
 public:
    LockFile() = default;
    LockFile(const LockFile&) = delete;
    LockFile& operator=(const LockFile&) = delete;
    ~LockFile();

    void open(const std::string& path);
    void close();
    [[nodiscard]] int descriptor() const { return descriptor_; }

    // Lock one byte; false if another descriptor holds it.
    [[nodiscard]] bool try_lock(int64_t byte, bool shared = false);
    // Lock one byte within `timeout_ns`; false if that was not possible.
    [[nodiscard]] bool lock(int64_t byte, int64_t timeout_ns);
    void unlock(int64_t byte) noexcept;
    // Whether another descriptor holds a lock on the byte.
    [[nodiscard]] bool held_elsewhere(int64_t byte) const { return gcg::held_elsewhere(descriptor_, byte, 1, path_); }

 private:
    int descriptor_ = -1;
    std::string path_;
    ForkGuard guard_;
};

// A shared mapping of a whole file. Unmaps itself.
class Mapping {
 public:
    Mapping() = default;
    Mapping(const File& file, uint64_t bytes, bool writable, const std::string& path);
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    [[nodiscard]] std::byte* data() const { return data_; }
    [[nodiscard]] uint64_t bytes() const { return bytes_; }
    [[nodiscard]] explicit operator bool() const { return data_ != nullptr; }
    // Write [from, to) to the disk and wait for it.
    void sync(uint64_t from, uint64_t to, const std::string& path) const;

 private:
    std::byte* data_ = nullptr;
    uint64_t bytes_ = 0;
};

// Give the file blocks for `bytes` bytes, so that writing to its mapping cannot run out of disk. Throws Fault::full.
void allocate(const File& file, uint64_t bytes, const std::string& path);
void write_all(const File& file, const void* data, std::size_t bytes, uint64_t offset, const std::string& path);
// Read up to `bytes` bytes; returns how many there were.
std::size_t read_some(const File& file, void* data, std::size_t bytes, uint64_t offset, const std::string& path);
// Make names that were created or removed in a folder durable.
void sync_folder(const std::string& folder);
void make_folder(const std::string& folder);  // with its parents; mode 0700
// Give a finished temporary file its name; false (and the file is removed) if something has that name already.
bool put_in_place(const std::string& temporary, const std::string& path);
// Create `path` with these bytes in one step, under a temporary name first; false if it is there already.
bool create_whole(const std::string& path, const void* data, std::size_t bytes);

}  // namespace gcg
