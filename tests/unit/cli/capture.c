#include "capture.h"

#include <stdio.h>
#include <unistd.h>

#include "test.h"

static FILE *file;
static int captured, saved;
static char text[65536];

void capture_begin(int fd)
{
    fflush(stdout);
    fflush(stderr);
    file = tmpfile();
    assert_non_null(file);
    captured = fd;
    saved = dup(fd);
    assert_true(saved >= 0 && dup2(fileno(file), fd) == fd);
}

const char *capture_end(void)
{
    fflush(stdout);
    fflush(stderr);
    assert_int_equal(dup2(saved, captured), captured);
    close(saved);
    rewind(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}
