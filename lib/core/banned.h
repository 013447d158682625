/*
 * Functions that are easy to misuse: to call one is a compile error. (getenv: only core/env.c, which defines
 * KOC__ALLOW_GETENV.)
 */
#ifndef KOC__BANNED_H
#define KOC__BANNED_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KOC__BANNED(f) sorry_##f##_is_a_banned_function

#undef strcpy
#define strcpy(a, b) KOC__BANNED(strcpy)
#undef strcat
#define strcat(a, b) KOC__BANNED(strcat)
#undef strncpy
#define strncpy(a, b, n) KOC__BANNED(strncpy)
#undef strncat
#define strncat(a, b, n) KOC__BANNED(strncat)
#undef strtok
#define strtok(a, b) KOC__BANNED(strtok)
#undef strdup
#define strdup(a) KOC__BANNED(strdup)
#undef strndup
#define strndup(a, n) KOC__BANNED(strndup)
#undef sprintf
#define sprintf(...) KOC__BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) KOC__BANNED(vsprintf)
#undef gets
#define gets(a) KOC__BANNED(gets)
#undef atoi
#define atoi(a) KOC__BANNED(atoi)
#undef atol
#define atol(a) KOC__BANNED(atol)
#undef gmtime
#define gmtime(a) KOC__BANNED(gmtime)
#undef localtime
#define localtime(a) KOC__BANNED(localtime)
#undef rand
#define rand() KOC__BANNED(rand)
#undef mktemp
#define mktemp(a) KOC__BANNED(mktemp)
#undef system
#define system(a) KOC__BANNED(system)
#undef popen
#define popen(a, b) KOC__BANNED(popen)
#undef setenv
#define setenv(a, b, c) KOC__BANNED(setenv)
#undef signal
#define signal(a, b) KOC__BANNED(signal)
#ifndef KOC__ALLOW_GETENV
#undef getenv
#define getenv(a) KOC__BANNED(getenv)
#endif

#endif
