/* stage.h - what the process of a scenario and its parent share: the actors and their transcripts. */
#ifndef STAGE_H
#define STAGE_H

#include "scenario.h"

enum { ACTORS = 40, TEXT = 96 << 10 };

struct actor {
  char name[64];
  body *run;
  void *argument;
  pid_t thread;
  volatile bool ended;
  size_t length;
  char text[TEXT];
};

struct stage {
  /* How many times an actor asked whether all others wait, and how many times they did. */
  volatile int asked, answered;
  volatile pid_t asker;
  int count;
  struct actor actors[ACTORS];
};

/* This process's stage. */
extern struct stage *stage;
/* Runs the first actor, and all that it starts, to their ends. */
void perform(const char *name, body *run, void *argument, bool shared_stack);
/* Says why and ends the process. */
void fail(const char *what) __attribute__((noreturn));

#endif
