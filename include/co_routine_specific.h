/*
 * co_routine_specific.h - a global name with one value per coroutine (C++ only).
 *
 *     struct Request { int id; std::string user; };
 *     CO_ROUTINE_SPECIFIC(Request, request);
 *
 *     void *body(void *) { request->id = 7; ... }     // this coroutine's own `id`
 *
 * CO_ROUTINE_SPECIFIC(Type, name) stands at file or namespace scope, once for each name in a source file, and
 * makes an object `name` of internal linkage: two source files that use the same name have two different
 * objects. A `Type` with a comma in it needs a typedef first.
 *
 * The value is made by the first use in each coroutine, as `new Type()` does: zeros for plain data, else by
 * the default constructor. It is deleted when the coroutine's body has returned, or when the coroutine is
 * reset or released, whichever comes first. Outside of coroutines each thread has one value, which is deleted
 * when the thread ends (never for main, which ends the process). A destructor of `Type` runs with no
 * coroutine's guarantees: it must not wait.
 *
 * A pointer or reference taken from `name` stays valid for that long, also across yields, but it is this
 * coroutine's: another one must not touch it while this one may run in parallel, that is from another thread.
 */
#ifndef CO_ROUTINE_SPECIFIC_H
#define CO_ROUTINE_SPECIFIC_H

#ifndef __cplusplus
#error "co_routine_specific.h needs C++; C programs use co_setspecific() and co_getspecific() of co_routine.h"
#endif

#include <pthread.h>
#include <stdlib.h>

#include "co_routine.h"

/* The type of the object. `Tag` is a type of its own for each object, so that each has its own key. */
template <class Type, class Tag>
class clsRoutineSpecific_t {
 public:
  /*
   * The value of the running coroutine, never NULL. The first use in a coroutine throws what the constructor
   * throws, or std::bad_alloc. The process is aborted if it has used up its PTHREAD_KEYS_MAX keys: one is
   * taken for each name.
   */
  Type *operator->() const { return get(); }
  Type &operator*() const { return *get(); }

 private:
  static Type *get() {
    pthread_once(&once, make_key);
    void *value = co_getspecific(key);
    if (value == NULL) {
      Type *fresh = new Type();
      if (co_setspecific(key, fresh) != 0) abort();
      value = fresh;
    }
    return static_cast<Type *>(value);
  }

  static void make_key() {
    if (pthread_key_create(&key, destroy) != 0) abort();
  }

  /* extern "C" cannot be had for a member of a template; the platform's ABI makes no difference. */
  static void destroy(void *value) { delete static_cast<Type *>(value); }

  static pthread_once_t once;
  static pthread_key_t key;
};

template <class Type, class Tag>
pthread_once_t clsRoutineSpecific_t<Type, Tag>::once = PTHREAD_ONCE_INIT;

template <class Type, class Tag>
pthread_key_t clsRoutineSpecific_t<Type, Tag>::key;

/* The unnamed namespace keeps equal names of two source files apart. */
#define CO_ROUTINE_SPECIFIC(Type, name)        \
  namespace {                                  \
  struct co_routine_specific_tag_##name;       \
  }                                            \
  static clsRoutineSpecific_t<Type, co_routine_specific_tag_##name> name __attribute__((unused))

#endif /* CO_ROUTINE_SPECIFIC_H */
