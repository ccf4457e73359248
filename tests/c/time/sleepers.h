/* sleepers.h - whether a sleep was as long as it should. */
#ifndef SLEEPERS_H
#define SLEEPERS_H

#include "../check.h"

static int done, early;

static void check_slept(long long before, long long ns, const char *how) {
  long long took = now_ns() - before;
  if (took < ns) {
    early++;
    fprintf(stderr, "# %s: %lld ns instead of %lld\n", how, took, ns);
  }
}

#endif
