/* tour.h - the stations of the tour that have files of their own, and what all of them begin and end with. */
#ifndef TOUR_H
#define TOUR_H
#include "check.h"
#include "co_routine.h"
#include "plain.h"

/* Shared stacks for the coroutines of this thread, NULL for stacks of their own. */
extern __thread stShareStack_t *stacks;
/* How many of them have not come to their end. */
extern __thread int working;
extern int size_of_it;

stCoRoutine_t *make(void *(*body)(void *), void *argument);
/* A coroutine for each of `count` bodies, until all of them have ended; `arguments` may be NULL. */
void run(int count, void *(*const bodies[])(void *), void *arguments[]);

void switching(void);
void nesting(void);
void giving_up(void);
void jumping(void);
void calling(void);
#endif
