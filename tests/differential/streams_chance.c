/* streams_chance.c - streams written and read as dice will have it: every result depends on the bytes alone. */
#include "scenario.h"

static int ends[2];
static unsigned seed;

/* What the dice say: one generator for each side. */
static unsigned roll(uint64_t *state, unsigned limit) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(*state >> 33) % limit;
}

static void choose_buffer(FILE *f, uint64_t *dice) {
  static const int modes[] = {_IOFBF, _IOLBF, _IONBF, _IOFBF};
  size_t size = 1 + roll(dice, 6000);
  setvbuf(f, roll(dice, 3) ? NULL : malloc(size), modes[roll(dice, 4)], size);
}

static void write_some(void *argument) {
  static char text[40000];
  uint64_t dice = seed * 2654435761u + 7;
  FILE *f = argument;
  choose_buffer(f, &dice);
  for (size_t i = 0; i < sizeof text - 1; i++) text[i] = roll(&dice, 30) ? (char)('a' + roll(&dice, 26)) : '\n';
  for (int i = 0; i < 120; i++) {
    unsigned size = roll(&dice, 8) ? roll(&dice, 200) : roll(&dice, 20000);
    unsigned from = roll(&dice, 19000);
    char saved = text[from + size];
    long result = 0;
    switch (roll(&dice, 9)) {
      case 0: result = (long)fwrite(text + from, 1, size, f); break;
      case 1: result = (long)fwrite(text + from, 7, size / 7, f); break;
      case 2: result = fprintf(f, "%.*s %d\n", (int)size, text + from, i); break;
      case 3:
        text[from + size] = 0;
        result = fputs(text + from, f);
        text[from + size] = saved;
        break;
      case 4: result = putc(text[from], f); break;
      case 5: result = putc_unlocked('\n', f); break;
      case 6: result = fflush(f); break;
      case 7: result = fprintf(f, "%d %x\n", (int)from, size); break;
      case 8: result = (long)fwrite_unlocked(text + from, 1, size, f); break;
    }
    say("%d: %ld", i, result);
  }
  say("error %d", ferror(f));
  say("%d", fclose(f));
}

static void read_some(void *argument) {
  static char text[40000];
  uint64_t dice = seed * 40503u + 3;
  FILE *f = argument;
  char *line = NULL;
  size_t room = 0;
  choose_buffer(f, &dice);
  for (int i = 0; !feof(f); i++) {
    unsigned size = 1 + (roll(&dice, 8) ? roll(&dice, 200) : roll(&dice, 20000));
    long result = 0;
    memset(text, 0, sizeof text);
    switch (roll(&dice, 8)) {
      case 0: result = (long)fread(text, 1, size, f); break;
      case 1: result = (long)fread(text, 5, size / 5, f) * 5; break;
      case 2: result = fgets(text, (int)size, f) ? (long)strlen(text) : -1; break;
      case 3: result = getc(f); break;
      case 4: result = getline(&line, &room, f); break;
      case 5: result = fscanf(f, "%100[a-m]%100[^a-m]", text, text + 200); break;
      case 6:
        if ((result = getc_unlocked(f)) != EOF && roll(&dice, 2)) ungetc((int)result, f);
        break;
      case 7: result = getdelim(&line, &room, 'q', f); break;
    }
    say("%d: %ld %llx", i, result, (unsigned long long)checksum(text, sizeof text));
    if (result > 0 && line && i % 5 == 0) say("%.30s", line);
  }
  free(line);
  say("error %d", ferror(f));
  say("%d", fclose(f));
}

static void throw_dice(unsigned first) {
  static const enum kind kinds[] = {TCP, UNIX, PIPE, FIFO};
  for (seed = first; seed < first + 4; seed++) {
    make_pair(kinds[seed % 4], ends);
    start("writer", write_some, fdopen(ends[1], "w"));
    read_some(fdopen(ends[0], "r"));
    join();
  }
}

SCENARIO(stream_chance_one, "random output and input of streams, one") { throw_dice(1); }
SCENARIO(stream_chance_two, "random output and input of streams, two") { throw_dice(100); }
SCENARIO(stream_chance_three, "random output and input of streams, three") { throw_dice(2000); }
