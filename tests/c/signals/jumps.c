/* Hooks are as they were after a jump out of a handler, and still off after one within it. */
#include "jumps.h"
#include "parking.h"

static int ends[2];

static void (*jump_inside)(void);

static void *jumps_and_goes_on(void *unused) {
  co_enable_hook_sys();
  usleep(2000);
  for (int i = 0; i < 3; i++) jump_inside();
  CHECK(co_is_enable_sys_hook());
  check_hooks_are_on();
  /* And handlers still have them off. */
  by_sigaction();
  during = handler_made = 0;
  raise(SIGUSR1);
  CHECK(handler_made == 1);
  CHECK_IS(during, 0);
  check_hooks_are_on();
  finished++;
  return unused;
}

static void jump_and_go_on(function inside) {
  jump_inside = inside;
  ran_meanwhile = finished = 0;
  stCoRoutine_t *one = start(runs_when_it_can, NULL), *other = start(jumps_and_goes_on, NULL);
  loop_until(&finished, 2);
  co_release(one);
  co_release(other);
}

static void leaves_by_siglongjmp(void) {
  struct sigaction one = {.sa_handler = jumps};
  sigaction(SIGUSR1, &one, NULL);
  if (sigsetjmp(back, 1) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static jmp_buf plain_back;

static void jumps_plainly(int signal) { longjmp(plain_back, signal); }

static void leaves_by_longjmp(void) {
  struct sigaction one = {.sa_handler = jumps_plainly, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &one, NULL);
  if (setjmp(plain_back) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static void jumps_by_underscore(int signal) { _longjmp(plain_back, signal); }

static void leaves_by_underscore_longjmp(void) {
  struct sigaction one = {.sa_handler = jumps_by_underscore, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &one, NULL);
  if (_setjmp(plain_back) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static void raises_another(int signal) {
  (void)signal;
  raise(SIGUSR2);
}

static void leaves_two_handlers(void) {
  struct sigaction one = {.sa_handler = raises_another}, other = {.sa_handler = jumps};
  sigaction(SIGUSR1, &one, NULL);
  sigaction(SIGUSR2, &other, NULL);
  if (sigsetjmp(back, 1) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static void leaves_from_the_alternate_stack(void) {
  static char area[64 * 1024];
  stack_t mine = {.ss_sp = area, .ss_size = sizeof area}, old;
  struct sigaction one = {.sa_handler = jumps, .sa_flags = SA_ONSTACK};
  NEED(sigaltstack(&mine, &old) == 0);
  sigaction(SIGUSR1, &one, NULL);
  if (sigsetjmp(back, 1) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
  NEED(sigaltstack(&old, NULL) == 0);
}

static void leaves_a_blocking_call(void) {
  char byte;
  struct sigaction one = {.sa_handler = jumps};
  NEED(pipe(ends) == 0);
  sigaction(SIGALRM, &one, NULL);
  co_disable_hook_sys();
  alarm_in(5);
  if (sigsetjmp(back, 1) == 0) {
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(!"reached");
  }
  no_alarm();
  co_enable_hook_sys();
  close(ends[0]);
  close(ends[1]);
}

TEST(hooks_are_on_after_siglongjmp_out_of_a_handler) { jump_and_go_on(leaves_by_siglongjmp); }
TEST(hooks_are_on_after_longjmp_out_of_a_handler) { jump_and_go_on(leaves_by_longjmp); }
TEST(hooks_are_on_after_underscore_longjmp_out_of_a_handler) { jump_and_go_on(leaves_by_underscore_longjmp); }
TEST(hooks_are_on_after_a_jump_out_of_two_handlers) { jump_and_go_on(leaves_two_handlers); }
TEST(hooks_are_on_after_a_jump_from_the_alternate_stack) { jump_and_go_on(leaves_from_the_alternate_stack); }
TEST(hooks_are_on_after_a_jump_out_of_a_blocking_call) { jump_and_go_on(leaves_a_blocking_call); }
TEST(hooks_are_on_after_a_jump_from_a_fault) { jump_and_go_on(jumps_from_a_fault); }

static void *jumps_with_hooks_off(void *unused) {
  leaves_by_siglongjmp();
  CHECK(!co_is_enable_sys_hook());
  int before = ran_meanwhile;
  usleep(5000);
  CHECK_IS(ran_meanwhile, before);
  finished++;
  return unused;
}

TEST(hooks_are_off_after_a_jump_where_they_were_off) {
  finished = 0;
  stCoRoutine_t *one = start(runs_when_it_can, NULL), *other = start(jumps_with_hooks_off, NULL);
  loop_until(&finished, 2);
  co_release(one);
  co_release(other);
}

/* A handler that jumps within itself has not left. */
static void jumps_inside(int signal) {
  jmp_buf here;
  if (setjmp(here) == 0) longjmp(here, 1);
  waits_in_handler(signal);
}

static void by_inside_jump(void) {
  struct sigaction one = {.sa_handler = jumps_inside};
  sigaction(SIGUSR1, &one, NULL);
}

TEST(a_handler_that_jumps_within_itself_still_does_not_park) { handler_does_not_park(by_inside_jump); }

/* One that looks whether an address can be read, as crash reporters do. */
static void probes(int signal) {
  struct sigaction one = {.sa_handler = jumps}, old;
  sigaction(SIGSEGV, &one, &old);
  if (sigsetjmp(back, 1) == 0) by_fault();
  sigaction(SIGSEGV, &old, NULL);
  waits_in_handler(signal);
}

static void by_probe(void) {
  struct sigaction one = {.sa_handler = probes};
  sigaction(SIGUSR1, &one, NULL);
}

TEST(a_handler_that_another_jumps_back_to_still_does_not_park) { handler_does_not_park(by_probe); }

RUN_TESTS
