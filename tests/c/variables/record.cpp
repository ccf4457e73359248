/* Linked into a program: its own record of exceptions in flight, which the C++ runtime finds before all others. */
#include <cxxabi.h>

namespace __cxxabiv1 {
struct __cxa_eh_globals {
  void *caught;
  unsigned thrown;
};
static thread_local __cxa_eh_globals record;

extern "C" __cxa_eh_globals *__cxa_get_globals() noexcept { return &record; }
extern "C" __cxa_eh_globals *__cxa_get_globals_fast() noexcept { return &record; }
} // namespace __cxxabiv1
