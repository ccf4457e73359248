// Whether the kernel knows a std::thread.
#include <cstdio>
#include <string>
#include <thread>
#include <unistd.h>

int main() {
  int known = 0;
  std::thread([&] { known = access(("/proc/self/task/" + std::to_string(gettid())).c_str(), F_OK) == 0; }).join();
  std::printf("%d\n", known);
}
