/* hiredis: BLPOP on a key of its own that stays empty for 0.1 s, then an echo over the same connection. */
#include "hundred.h"
#include <hiredis.h>

static const char *redis_host;
static int redis_port;

static int redis_client(int number) {
  char text[32];
  int failed = 0;
  redisContext *redis = redisConnect(redis_host, redis_port);
  if (!redis || redis->err) return wrong(number, "connect: %s", redis ? redis->errstr : "no memory");

  redisReply *reply = redisCommand(redis, "BLPOP empty:%d 0.1", number);
  if (!reply) return wrong(number, "BLPOP: %s", redis->errstr);
  if (reply->type != REDIS_REPLY_NIL) failed = wrong(number, "BLPOP answered type %d: %s", reply->type, reply->str ? reply->str : "");
  freeReplyObject(reply);

  snprintf(text, sizeof text, "number %d", number);
  reply = redisCommand(redis, "ECHO %s", text);
  if (!reply) return wrong(number, "ECHO: %s", redis->errstr);
  if (reply->type != REDIS_REPLY_STRING || strcmp(reply->str, text)) failed = wrong(number, "ECHO answered type %d: %s", reply->type, reply->str);
  freeReplyObject(reply);
  redisFree(redis);
  return failed;
}

static void redis_prepare(void) {
  redis_host = hundred_setting("SERVER_HOST");
  redis_port = atoi(hundred_setting("REDIS_PORT"));
}

HUNDRED(redis_client, redis_prepare);
