/*
 * co_comm.h - a mutex between the coroutines of one thread (C++ only).
 *
 * Coroutines of a thread change only where they yield or wait, so the mutex is for what must stay untouched
 * across such a point. It is not for use between threads: pthread_mutex_t is, and in a coroutine with hooks
 * on it parks only the coroutine.
 */
#ifndef CO_COMM_H
#define CO_COMM_H

#ifndef __cplusplus
#error "co_comm.h needs C++"
#endif

#include <errno.h>
#include <stdlib.h>

#include "co_routine.h"
#include "co_routine_inner.h"

/*
 * Not recursive: a coroutine that locks what it holds waits for ever. Any coroutine of its thread may
 * unlock it.
 *
 * First come, first served. Unlocking hands the mutex to the first who waits, who runs at the loop's next
 * turn; until then the mutex is not free, so a coroutine that unlocks and locks again at once comes last.
 *
 * Outside of coroutines a free mutex is locked as usual. A mutex that a coroutine holds cannot be waited for
 * there, because the holder would not run meanwhile: CoLock() then returns without it, and the CoUnLock()
 * that belongs to it leaves the holder's lock alone.
 *
 * A coroutine that holds or waits for a mutex must not be released or reset, and nobody may hold or wait for
 * a mutex that is destroyed.
 */
class clsCoMutex {
 public:
  clsCoMutex() : m_ptWaiting(co_cond_alloc()), m_iWaiting(0), m_iRefused(0), m_bLocked(false) {
    if (m_ptWaiting == NULL) abort();
  }

  ~clsCoMutex() { co_cond_free(m_ptWaiting); }

  /* Locks the mutex; parks the calling coroutine as long as another has it. May change errno. */
  void CoLock() {
    if (!m_bLocked) {
      m_bLocked = true;
      return;
    }
    ++m_iWaiting;
    /* Zero is the hand-over by CoUnLock(), in which m_bLocked stays true. */
    while (co_cond_timedwait(m_ptWaiting, -1) != 0) {
      if (errno == EPERM) {
        --m_iWaiting;
        ++m_iRefused;
        return;
      }
    }
  }

  /* Hands the mutex over or makes it free. Never waits. Without effect on a free mutex. */
  void CoUnLock() {
    if (m_iRefused > 0 && !IsInCoroutine()) {
      --m_iRefused;
    } else if (m_iWaiting > 0) {
      /* Counted down here, not by the one woken: a second CoUnLock() before it runs must not count it. */
      --m_iWaiting;
      co_cond_signal(m_ptWaiting);
    } else {
      m_bLocked = false;
    }
  }

 private:
  clsCoMutex(const clsCoMutex &);
  clsCoMutex &operator=(const clsCoMutex &);

  static bool IsInCoroutine() {
    const stCoRoutine_t *self = co_self();
    return self != NULL && !self->cIsMain;
  }

  stCoCond_t *m_ptWaiting;
  int m_iWaiting; /* coroutines parked in CoLock() and not yet handed the mutex */
  int m_iRefused; /* CoLock() outside of coroutines that returned without the mutex */
  bool m_bLocked;
};

/* Locks a clsCoMutex for as long as the object lives. */
class clsSmartLock {
 public:
  explicit clsSmartLock(clsCoMutex *mutex) : m_ptMutex(mutex) { m_ptMutex->CoLock(); }
  ~clsSmartLock() { m_ptMutex->CoUnLock(); }

 private:
  clsSmartLock(const clsSmartLock &);
  clsSmartLock &operator=(const clsSmartLock &);

  clsCoMutex *m_ptMutex;
};

#endif /* CO_COMM_H */
