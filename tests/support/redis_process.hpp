// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_REDIS_PROCESS_HPP
#define CACHETORY_TESTS_SUPPORT_REDIS_PROCESS_HPP

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace support {

/// A new folder. Its destructor removes it and everything in it, but not in a forked child.
class temporary_folder {
public:
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "cachetory-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), "mkdtemp");
        }
        path_ = name;
    }

    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    ~temporary_folder() {
        if (owner_ == ::getpid()) {
            std::error_code ignored;
            std::filesystem::remove_all(path_, ignored);
        }
    }

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    pid_t owner_ = ::getpid();
};

/// A program that runs until it is killed. The destructor kills it. So does the kernel when the
/// thread that started it ends, so a crash of the test leaves no program running.
class child_process {
public:
    child_process() = default;

    /// Starts the first of `programs` that is found in PATH.
    child_process(const std::vector<std::string>& programs, std::vector<std::string> arguments) {
        std::vector<char*> words{nullptr};
        for (std::string& argument : arguments) {
            words.push_back(argument.data());
        }
        words.push_back(nullptr);
        std::vector<char*> names;
        for (const std::string& program : programs) {
            names.push_back(const_cast<char*>(program.c_str()));
        }
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0) {
            throw std::system_error(errno, std::generic_category(), "fork");
        }
        if (pid_ == 0) {
            become(names, words, parent);
        }
    }

    child_process(child_process&& other) noexcept
        : pid_(std::exchange(other.pid_, 0)), owner_(other.owner_) {}

    child_process& operator=(child_process&& other) noexcept {
        if (this != &other) {
            kill();
            pid_ = std::exchange(other.pid_, 0);
            owner_ = other.owner_;
        }
        return *this;
    }

    ~child_process() { kill(); }

    /// Kills the program if it runs, and waits until it is gone.
    void kill() noexcept {
        if (pid_ > 0 && owner_ == ::getpid()) {
            ::kill(pid_, SIGKILL);
            while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
            }
        }
        pid_ = 0;
    }

    void signal(int number) const {
        if (pid_ > 0) {
            ::kill(pid_, number);
        }
    }

    /// Whether the program still runs.
    bool running() {
        if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = 0;
        }
        return pid_ > 0;
    }

private:
    // Runs in the forked child, so it calls only what is safe after a fork of many threads.
    [[noreturn]] static void
    become(const std::vector<char*>& names, std::vector<char*>& words, pid_t parent) noexcept {
#ifdef __linux__
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        if (::getppid() != parent) {
            ::_exit(1); // the parent has ended meanwhile
        }
        const int null = ::open("/dev/null", O_RDWR);
        for (int descriptor = 0; descriptor < 3; ++descriptor) {
            ::dup2(null, descriptor);
        }
        for (int descriptor = 3; descriptor < 1024; ++descriptor) {
            ::close(descriptor); // otherwise it would keep the test's own connections open
        }
        for (char* name : names) {
            words[0] = name;
            ::execvp(name, words.data());
        }
        ::_exit(127);
    }

    pid_t pid_ = 0;
    pid_t owner_ = ::getpid();
};

/// Whether a server could listen on 127.0.0.1:`port` now.
inline bool port_is_free(int port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free =
        ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(descriptor);
    return free;
}

/// A free port. The one 10,000 above it, which the bus of a cluster uses, is also free.
///
/// Both are below the range from which the kernel takes ports for outgoing connections. A port of
/// that range might be taken, or be connected to itself, while its server is down.
inline int free_port() {
    static std::mt19937 random{std::random_device{}()};
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const int port = std::uniform_int_distribution(12'000, 21'999)(random);
        if (port_is_free(port) && port_is_free(port + 10'000)) {
            return port;
        }
    }
    throw std::runtime_error("no free port between 12000 and 22000");
}

} // namespace support

#endif
