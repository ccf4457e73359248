/* libcurl's easy interface: a page that comes after 0.1 s and holds its number a thousand times. */
#include "hundred.h"
#include <curl/curl.h>

static char curl_base[128];

struct page {
  char *bytes;
  size_t length;
};

static size_t append(char *bytes, size_t size, size_t count, void *argument) {
  struct page *page = argument;
  char *grown = realloc(page->bytes, page->length + size * count + 1);
  if (!grown) return 0;
  page->bytes = grown;
  memcpy(page->bytes + page->length, bytes, size * count);
  page->length += size * count;
  page->bytes[page->length] = 0;
  return size * count;
}

static int curl_client(int number) {
  char url[160], line[32];
  struct page page = {NULL, 0};
  long status = 0;
  int failed = 0;
  CURL *curl = curl_easy_init();
  snprintf(url, sizeof url, "%s/%d", curl_base, number);
  int length = snprintf(line, sizeof line, "%d\n", number);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* what libcurl asks of every program with more than one thread */
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &page);
  CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (code) failed = wrong(number, "%s", curl_easy_strerror(code));
  else if (status != 200) failed = wrong(number, "status %ld", status);
  else if (page.length != 1000 * (size_t)length) failed = wrong(number, "%zu bytes", page.length);
  for (int i = 0; !failed && i < 1000; i++)
    if (memcmp(page.bytes + i * length, line, (size_t)length)) failed = wrong(number, "another's answer");
  free(page.bytes);
  curl_easy_cleanup(curl);
  return failed;
}

static void curl_prepare(void) {
  snprintf(curl_base, sizeof curl_base, "http://%s:%s", hundred_setting("SERVER_HOST"),
           hundred_setting("HTTP_PORT"));
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

HUNDRED(curl_client, curl_prepare);
