/* streams.c - stdio on pipes that are empty, or full. */
#define _GNU_SOURCE
#include "park.h"

#include <stdarg.h>

/* ---- in --------------------------------------------------------------------------------------------- */

char *__fgets_chk(char *, size_t, int, FILE *);
size_t __fread_chk(void *, size_t, size_t, size_t, FILE *);

static void empty_stream(struct waiter *me) {
  empty_pipe(me);
  NEED((me->stream = fdopen(me->in, "r")) != NULL);
}
static void write_a_line(struct waiter *me) { NEED(write(me->far, "7 xyz\n", 6) == 6); }

#define READS(name, ...) \
  PARKS(name, empty_stream, write_a_line) { __VA_ARGS__ }

READS(fgets, char line[20]; return fgets(line, sizeof line, me->stream) == line && strcmp(line, "7 xyz\n") == 0;)
READS(__fgets_chk, char line[20]; return __fgets_chk(line, 20, 20, me->stream) == line && strcmp(line, "7 xyz\n") == 0;)
READS(fgetc, return fgetc(me->stream) == '7' && fgetc(me->stream) == ' ';)
READS(getc, return (getc)(me->stream) == '7' && (getc)(me->stream) == ' ';)
READS(fread, char data[6]; return fread(data, 1, 6, me->stream) == 6 && memcmp(data, "7 xyz\n", 6) == 0;)
READS(__fread_chk, char data[6]; return __fread_chk(data, 6, 1, 6, me->stream) == 6 && memcmp(data, "7 xyz\n", 6) == 0;)
READS(getline, char *line = NULL; size_t room = 0; bool good = getline(&line, &room, me->stream) == 6 && strcmp(line, "7 xyz\n") == 0;
      free(line); return good;)
READS(getdelim, char *line = NULL; size_t room = 0; bool good = getdelim(&line, &room, 'y', me->stream) == 4 && strcmp(line, "7 xy") == 0;
      free(line); return good;)

/* A number and a word end where something else begins. Compilers know fscanf by another name than its own, by the standard and libc. */
static void write_a_line_and_more(struct waiter *me) { NEED(write(me->far, "7 xyz\n8", 7) == 7); }
#define SCANS(name)                                                                                                 \
  int name##_itself(FILE *, const char *, ...) __asm__(#name);                                                      \
  PARKS(name, empty_stream, write_a_line_and_more) {                                                                \
    int number = 0;                                                                                                 \
    char word[10] = "";                                                                                             \
    return name##_itself(me->stream, "%d %9s", &number, word) == 2 && number == 7 && strcmp(word, "xyz") == 0;      \
  }
SCANS(fscanf)
SCANS(__isoc99_fscanf)
#if __GLIBC_PREREQ(2, 38)
SCANS(__isoc23_fscanf)
#endif

/* ---- out -------------------------------------------------------------------------------------------- */

int __fprintf_chk(FILE *, int, const char *, ...);

static char text[10001];
static void full_stream(struct waiter *me) {
  full_pipe(me);
  memset(text, 'x', sizeof text - 1);
  NEED((me->stream = fdopen(me->in, "w")) != NULL && setvbuf(me->stream, NULL, _IOFBF, 4096) == 0);
}
static void unflushed_stream(struct waiter *me) {
  full_stream(me);
  NEED(fputs("word", me->stream) >= 0);
}

PARKS_AS(fwrite, "fwrite", full_stream, drain, .again = true) { return fwrite(text, 1, 10000, me->stream) == 10000; }
PARKS_AS(fputs, "fputs", full_stream, drain, .again = true) { return fputs(text, me->stream) >= 0; }
PARKS_AS(fprintf, "fprintf", full_stream, drain, .again = true) { return fprintf(me->stream, "%s", text) == 10000; }
PARKS_AS(__fprintf_chk, "__fprintf_chk", full_stream, drain, .again = true) { return __fprintf_chk(me->stream, 1, "%s", text) == 10000; }
/* Those that print to a descriptor have no stream, and no buffer of their own. */
int __dprintf_chk(int, int, const char *, ...);
int __vdprintf_chk(int, int, const char *, va_list);

static int vdprintf_of(int fd, bool fortified, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int printed = fortified ? __vdprintf_chk(fd, 1, format, arguments) : vdprintf(fd, format, arguments);
  va_end(arguments);
  return printed;
}

PARKS_AS(dprintf, "dprintf", full_stream, drain, .again = true) { return dprintf(me->in, "%s", text) == 10000; }
PARKS_AS(__dprintf_chk, "__dprintf_chk", full_stream, drain, .again = true) { return __dprintf_chk(me->in, 1, "%s", text) == 10000; }
PARKS_AS(vdprintf, "vdprintf", full_stream, drain, .again = true) { return vdprintf_of(me->in, false, "%s", text) == 10000; }
PARKS_AS(__vdprintf_chk, "__vdprintf_chk", full_stream, drain, .again = true) { return vdprintf_of(me->in, true, "%s", text) == 10000; }

PARKS(fflush, unflushed_stream, drain) { return fflush(me->stream) == 0; }
/* fclose has been hooked for other reasons before its output was. */
PARKS_AS(fclose, "fflush", unflushed_stream, drain) { return fclose(me->stream) == 0; }
/* What only changes a stream writes first what was put. */
PARKS(fseek, unflushed_stream, drain) { return fseek(me->stream, 0, SEEK_SET) == -1 && errno == ESPIPE; }
PARKS(setvbuf, unflushed_stream, drain) { return setvbuf(me->stream, NULL, _IONBF, 0) == 0; }
PARKS(setbuf, unflushed_stream, drain) {
  setbuf(me->stream, NULL);
  return !ferror(me->stream);
}
PARKS(setbuffer, unflushed_stream, drain) {
  setbuffer(me->stream, NULL, 0);
  return !ferror(me->stream);
}
