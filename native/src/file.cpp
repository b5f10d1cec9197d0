#include "gcg/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>
#include <vector>

#include "gcg/clock.h"

namespace gcg {

void throw_errno(const std::string& action, const std::string& path, int code) {
    const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    std::string text = "cannot " + action + " " + path + ": " + std::strerror(code);
    if (full) text += "; nothing was written: make room and publish again";
    throw JournalError(full ? Fault::full : Fault::io, text);
}

// --- fork --------------------------------------------------------------------------------------------------------

namespace {

// Never destroyed: a thread may still close a file while the process's statics are taken down.
std::mutex& registry_mutex = *new std::mutex;
std::vector<int>& registry = *new std::vector<int>;

void before_fork() {
    registry_mutex.lock();
}
void after_fork_in_parent() {
    registry_mutex.unlock();
}
void after_fork_in_child() {
    // relaxed: the child has one thread only
    fork_generation.fetch_add(1, std::memory_order_relaxed);
    for (int descriptor : registry) ::close(descriptor);
    registry.clear();
    registry_mutex.unlock();
}

// Open and register in one step, so that no fork comes between.
int open_registered(const std::string& path) {
    static const int installed = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    if (installed != 0) throw_errno("watch for forks to protect", path, installed);
    std::lock_guard guard(registry_mutex);
    File file = File::open(path, O_RDWR | O_CREAT);
    registry.push_back(file.descriptor());
    return file.release();
}

void unregister_descriptor(int descriptor) {
    std::lock_guard guard(registry_mutex);
    registry.erase(std::remove(registry.begin(), registry.end(), descriptor), registry.end());
}

}  // namespace

// --- File --------------------------------------------------------------------------------------------------------

File& File::operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

File::~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

int File::release() {
    return std::exchange(descriptor_, -1);
}

File File::open(const std::string& path, int flags) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (descriptor < 0) throw_errno("open", path, errno);
    return File(descriptor);
}

File File::try_open(const std::string& path, int flags) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (descriptor < 0 && errno != ENOENT) throw_errno("open", path, errno);
    return File(descriptor);
}

uint64_t File::size(const std::string& path) const {
    struct stat status;
    if (fstat(descriptor_, &status) != 0) throw_errno("look at", path, errno);
    return static_cast<uint64_t>(status.st_size);
}

// --- LockFile ----------------------------------------------------------------------------------------------------

#ifdef F_OFD_SETLK
static constexpr int kSetLock = F_OFD_SETLK, kGetLock = F_OFD_GETLK;
#else  // macOS: locks of the process; two buses in one process then do not exclude each other
static constexpr int kSetLock = F_SETLK, kGetLock = F_GETLK;
#endif

static struct flock lock_of(short type, int64_t first, int64_t count) {
    struct flock request;
    std::memset(&request, 0, sizeof request);
    request.l_type = type;
    request.l_whence = SEEK_SET;
    request.l_start = first;
    request.l_len = count;
    return request;
}

void LockFile::open(const std::string& path) {
    descriptor_ = open_registered(path);
    path_ = path;
    guard_ = ForkGuard();
}

void LockFile::close() {
    if (descriptor_ < 0) return;
    const int descriptor = std::exchange(descriptor_, -1);
    if (guard_.forked()) return;  // closed by the fork handler; the number may be somebody else's by now
    unregister_descriptor(descriptor);
    ::close(descriptor);
}

LockFile::~LockFile() {
    close();
}

bool LockFile::try_lock(int64_t byte, bool shared) {
    struct flock request = lock_of(shared ? F_RDLCK : F_WRLCK, byte, 1);
    if (fcntl(descriptor_, kSetLock, &request) == 0) return true;
    if (errno != EAGAIN && errno != EACCES) throw_errno("lock", path_, errno);
    return false;
}

bool LockFile::lock(int64_t byte, int64_t timeout_ns) {
    const int64_t deadline = monotonic_ns() + timeout_ns;
    while (!try_lock(byte)) {
        if (monotonic_ns() >= deadline) return false;
        const timespec pause{0, 500'000};
        nanosleep(&pause, nullptr);
    }
    return true;
}

void LockFile::unlock(int64_t byte) noexcept {
    struct flock request = lock_of(F_UNLCK, byte, 1);
    fcntl(descriptor_, kSetLock, &request);  // cannot fail for a byte that this descriptor has locked
}

bool held_elsewhere(int descriptor, int64_t first, int64_t count, const std::string& path) {
    struct flock request = lock_of(F_WRLCK, first, count);
    if (fcntl(descriptor, kGetLock, &request) != 0) throw_errno("ask for the locks of", path, errno);
    return request.l_type != F_UNLCK;
}

// --- Mapping -----------------------------------------------------------------------------------------------------

Mapping::Mapping(const File& file, uint64_t bytes, bool writable, const std::string& path) : bytes_(bytes) {
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void* address = mmap(nullptr, bytes, protection, MAP_SHARED, file.descriptor(), 0);
    if (address == MAP_FAILED) throw_errno("map", path, errno);
    data_ = static_cast<std::byte*>(address);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

Mapping::~Mapping() {
    if (data_) munmap(data_, bytes_);
}

void Mapping::sync(uint64_t from, uint64_t to, const std::string& path) const {
    const uint64_t step = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    from -= from % step;
    if (from < to && msync(data_ + from, to - from, MS_SYNC) != 0) throw_errno("sync", path, errno);
}

// --- operations --------------------------------------------------------------------------------------------------

void allocate(const File& file, uint64_t bytes, const std::string& path) {
#ifdef __linux__
    int code;
    do code = posix_fallocate(file.descriptor(), 0, static_cast<off_t>(bytes));
    while (code == EINTR);
    if (code != 0) throw_errno("allocate " + std::to_string(bytes) + " bytes for", path, code);
#else
    static const char zeros[4096] = {};
    for (uint64_t at = file.size(path); at < bytes; at += sizeof zeros)
        write_all(file, zeros, std::min<uint64_t>(sizeof zeros, bytes - at), at, path);
#endif
}

void write_all(const File& file, const void* data, std::size_t bytes, uint64_t offset, const std::string& path) {
    const char* from = static_cast<const char*>(data);
    while (bytes > 0) {
        const ssize_t written = pwrite(file.descriptor(), from, bytes, static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw_errno("write", path, errno);
        from += written;
        offset += static_cast<uint64_t>(written);
        bytes -= static_cast<std::size_t>(written);
    }
}

std::size_t read_some(const File& file, void* data, std::size_t bytes, uint64_t offset, const std::string& path) {
    char* to = static_cast<char*>(data);
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t got = pread(file.descriptor(), to + done, bytes - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", path, errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void sync_folder(const std::string& folder) {
    const File file = File::open(folder, O_RDONLY | O_DIRECTORY);
    if (fsync(file.descriptor()) != 0) throw_errno("sync", folder, errno);
}

void make_folder(const std::string& folder) {
    std::error_code code;
    const auto parent = std::filesystem::path(folder).parent_path();
    if (!parent.empty()) std::filesystem::create_directories(parent, code);
    if (code) throw_errno("create", parent.string(), code.value());
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) throw_errno("create", folder, errno);
    if (!std::filesystem::is_directory(folder)) throw_errno("use as a folder", folder, ENOTDIR);
}

bool create_whole(const std::string& path, const void* data, std::size_t bytes) {
    const std::string temporary = path + ".new-" + std::to_string(getpid());
    {
        const File file = File::open(temporary, O_RDWR | O_CREAT | O_TRUNC);
        allocate(file, bytes, temporary);
        write_all(file, data, bytes, 0, temporary);
        if (fsync(file.descriptor()) != 0) throw_errno("sync", temporary, errno);
    }
    return put_in_place(temporary, path);
}

bool put_in_place(const std::string& temporary, const std::string& path) {
    int result = -1;
    int code = EINVAL;
#ifdef RENAME_NOREPLACE
    result = renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
    code = errno;
#endif
    if (result != 0 && (code == EINVAL || code == ENOSYS)) {  // a file system without it
        result = link(temporary.c_str(), path.c_str());
        code = errno;
        unlink(temporary.c_str());
    }
    if (result == 0) return true;
    unlink(temporary.c_str());
    if (code != EEXIST) throw_errno("create", path, code);
    return false;
}

}  // namespace gcg
