/*
 * runner.c - runs scenarios, each in a process of its own, and writes their transcripts.
 *
 *     PROGRAM -l                             lists the scenarios: name, tab, sentence
 *     PROGRAM [-s] DIRECTORY [NAME...]       writes DIRECTORY/NAME.txt; -s: coroutines of one shared stack
 *
 * A transcript has the actors' parts one after another, so that the order in which they ran does not show.
 */
#include "stage.h"

#include <dirent.h>
#include <sys/wait.h>

enum { SIDE_BY_SIDE = 6, SECONDS = 45 };

struct scenario {
  const char *name, *sentence;
  void (*run)(void);
  struct stage *stage;
  pid_t process;
  int64_t until;
  char calm[256];
  int calm_times;
};

static struct scenario scenarios[400];
static int scenario_count;
static bool shared_stacks;

void add_scenario(const char *name, const char *sentence, void (*run)(void)) {
  scenarios[scenario_count++] = (struct scenario){.name = name, .sentence = sentence, .run = run};
}

static void whole(void *argument) {
  ((struct scenario *)argument)->run();
}

static void in_child(struct scenario *scenario) {
  stage = scenario->stage;
  perform(scenario->name, whole, scenario, shared_stacks);
  exit(0);
}

static void begin(struct scenario *scenario, const char *directory) {
  char path[PATH_MAX];
  scenario->stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (scenario->stage == MAP_FAILED) fail("mmap");
  scenario->until = now_ms() + SECONDS * 1000;
  scenario->process = fork();
  if (scenario->process < 0) fail("fork");
  if (scenario->process > 0) return;
  snprintf(path, sizeof path, "%s/%s.dir", directory, scenario->name);
  if ((mkdir(path, 0700) != 0 && errno != EEXIST) || chdir(path) != 0) fail(path);
  int log = open("log", O_CREAT | O_RDWR | O_TRUNC, 0600), null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(log, 1);
  dup2(log, 2);
  closefrom(3);
  in_child(scenario);
}

/* Whether all threads but the asker's sleep, and how often they have been switched to so far. */
static bool calm(pid_t process, pid_t asker, char *counts, size_t room) {
  char path[64], text[2048];
  DIR *tasks;
  struct dirent *task;
  bool all = true;
  *counts = 0;
  snprintf(path, sizeof path, "/proc/%d/task", process);
  if (!(tasks = opendir(path))) return false;
  while (all && (task = readdir(tasks))) {
    pid_t tid = atoi(task->d_name);
    if (tid == 0 || tid == asker) continue;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", process, tid);
    FILE *status = fopen(path, "r");
    if (!status) continue;
    size_t n = fread(text, 1, sizeof text - 1, status);
    text[n] = 0;
    fclose(status);
    char *state = strstr(text, "State:\t"), *switches = strstr(text, "\nvoluntary_ctxt_switches:\t");
    all = state && switches && state[7] == 'S';
    if (all) snprintf(counts + strlen(counts), room - strlen(counts), "%d:%d ", tid, atoi(switches + 26));
  }
  closedir(tasks);
  return all;
}

/* Three looks in a row that find the same threads asleep, and none of them run meanwhile. */
static void answer(struct scenario *scenario) {
  struct stage *there = scenario->stage;
  char counts[256];
  int asked = there->asked;
  if (asked == there->answered) return;
  if (calm(scenario->process, there->asker, counts, sizeof counts) && strcmp(counts, scenario->calm) == 0)
    scenario->calm_times++;
  else
    scenario->calm_times = 0;
  memcpy(scenario->calm, counts, sizeof counts);
  if (scenario->calm_times < 3) return;
  scenario->calm_times = 0;
  there->answered = asked;
}

static void write_down(struct scenario *scenario, const char *directory, int status, bool hung) {
  char path[PATH_MAX], line[4096];
  snprintf(path, sizeof path, "%s/%s.txt", directory, scenario->name);
  FILE *file = fopen(path, "w");
  if (!file) fail(path);
  for (int i = 0; i < scenario->stage->count && i < ACTORS; i++) {
    struct actor *actor = &scenario->stage->actors[i];
    fprintf(file, "[%s]\n%s", actor->name, actor->text);
    if (!actor->ended) fprintf(file, "(not at its end)\n");
  }
  if (hung)
    fprintf(file, "IT HANGS\n");
  else if (WIFSIGNALED(status))
    fprintf(file, "ended by %s\n", sigabbrev_np(WTERMSIG(status)));
  else if (WEXITSTATUS(status) != 0)
    fprintf(file, "exited with %d\n", WEXITSTATUS(status));
  snprintf(path, sizeof path, "%s/%s.dir/log", directory, scenario->name);
  FILE *log = fopen(path, "r");
  while (log && fgets(line, sizeof line, log)) fprintf(file, "stderr: %s", line);
  if (log) fclose(log);
  fclose(file);
  munmap(scenario->stage, sizeof *stage);
  scenario->process = 0;
}

static bool chosen(const struct scenario *scenario, char **names) {
  if (!*names) return true;
  for (; *names; names++)
    if (strcmp(*names, scenario->name) == 0) return true;
  return false;
}

int main(int argc, char **argv) {
  int next = 0, running = 0, status;
  if (argc > 1 && strcmp(argv[1], "-l") == 0) {
    for (int i = 0; i < scenario_count; i++) printf("%s\t%s\n", scenarios[i].name, scenarios[i].sentence);
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "-s") == 0) shared_stacks = true, argv++, argc--;
  if (argc < 2) return 2;
  while (next < scenario_count || running > 0) {
    if (next < scenario_count && running < SIDE_BY_SIDE) {
      if (chosen(&scenarios[next], argv + 2)) begin(&scenarios[next], argv[1]), running++;
      next++;
      continue;
    }
    for (int i = 0; i < next; i++) {
      struct scenario *scenario = &scenarios[i];
      if (scenario->process == 0) continue;
      bool hung = now_ms() > scenario->until;
      if (hung) kill(scenario->process, SIGKILL);
      if (waitpid(scenario->process, &status, hung ? 0 : WNOHANG) == scenario->process) {
        write_down(scenario, argv[1], status, hung);
        running--;
      } else {
        answer(scenario);
      }
    }
    usleep(1000);
  }
  return 0;
}
