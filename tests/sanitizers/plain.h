#ifndef SANITIZERS_PLAIN_H
#define SANITIZERS_PLAIN_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
/* 2999 for each level. */
size_t plain_work(int depth);
#ifdef __cplusplus
}
#endif
#endif
