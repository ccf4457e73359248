# git: commits, histories, clones over a pipe and over its own daemon, maintenance. Needs GIT_HOST and GIT_PORT. Every date and name is fixed.
set -e
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 LC_ALL=C TZ=UTC GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
git config --global init.defaultBranch main
git config --global advice.detachedHead false
git config --global pack.threads 2
git init -q repository
cd repository
for i in $(seq 1 20); do
  mkdir -p "dir$((i % 3))"
  seq 1 $((i * 100)) >"dir$((i % 3))/file$i"
  git add .
  GIT_AUTHOR_DATE="$((1000000000 + i)) +0000" GIT_COMMITTER_DATE="$((1000000000 + i)) +0000" git commit -q -m "commit $i"
done
git log --format='%H %s' -n 3
git status --short --branch
git checkout -q -b side HEAD~5
echo side >side
git add side
GIT_AUTHOR_DATE='1000001000 +0000' GIT_COMMITTER_DATE='1000001000 +0000' git commit -q -m side
git checkout -q main
GIT_AUTHOR_DATE='1000002000 +0000' GIT_COMMITTER_DATE='1000002000 +0000' git merge -q -m merge side
git log --graph --oneline -n 4 | cat
git grep --threads 2 -c '^77$' | sort | head -n 3
git diff --stat HEAD~3 | cat
PAGER=cat GIT_PAGER='sed s/^/paged:/' git -c core.pager='sed s/^/paged:/' -p log --oneline -n 1
git repack -q -a -d
git fsck --no-progress
git gc -q
git archive --format=tar HEAD | sha256sum
cd ..
git clone -q "file://$PWD/repository" over-a-pipe
git -C over-a-pipe rev-parse HEAD
git clone -q --bare repository bare.git
git -C over-a-pipe push -q ../bare.git main:pushed
git -C bare.git rev-parse pushed
printf '#!/bin/sh\nwhile read line; do echo "hook ran"; done\n' >bare.git/hooks/post-receive
chmod +x bare.git/hooks/post-receive
git -C over-a-pipe push -q ../bare.git main:again 2>&1
git daemon --listen="$GIT_HOST" --port="$GIT_PORT" --reuseaddr --export-all --base-path="$PWD" --detach --pid-file="$PWD/pid" "$PWD"
for _ in $(seq 1 1000); do git ls-remote -q "git://$GIT_HOST:$GIT_PORT/bare.git" >listed 2>/dev/null && break; sleep 0.05; done
cut -f 2 listed
git clone -q "git://$GIT_HOST:$GIT_PORT/bare.git" over-tcp
git -C over-tcp rev-parse HEAD
git clone -q "git://$GIT_HOST:$GIT_PORT/none.git" nothing || echo "no such repository: $?"
kill "$(cat pid)"
git -C over-tcp show nothing || echo "unknown revision: $?"
