/* Licences by their texts, and the names in copyright statements. */
#include "core/common.h"

#include "core/io/fs.h"
#include "core/str.h"
#include "sbom/bom.h"
#include "sbom/license.h"
#include "sbom/module.h"
#include "test.h"

static void same(const char *got, const char *want)
{
    if (!koc__streq(got, want)) {
        fail_msg("\"%s\", not \"%s\"", got ? got : "(none)", want ? want : "(none)");
    }
}

#define MIT                                                                                        \
    "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this "       \
    "software. The above copyright\n * notice and this permission notice shall be included."
#define BSD  "Redistribution and use in source and binary forms, with or without\nmodification."
#define BSD2 BSD " Redistributions of source code must retain the above."
#define BSD3                                                                                       \
    BSD2                                                                                           \
        " Neither the name of X may be\nused to endorse or promote products derived from this software"

KOC_TEST(license_is_known_by_its_phrases)
{
    static const struct {
        const char *text, *want;
    } table[] = {
        {MIT, "MIT"},
        {"Permission is hereby granted, free of charge, to any person obtaining a copy", "MIT-0"},
        {BSD2, "BSD-2-Clause"},
        {BSD3, "BSD-3-Clause"},
        {BSD3 " All advertising materials mentioning features", "BSD-4-Clause"},
        {"Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"},
        {"Licensed under the Apache License, Version 2.0 (the \"License\");", "Apache-2.0"},
        {"Mozilla Public License Version 2.0 ... GNU General Public License, Version 2.0",
         "MPL-2.0"},
        {"GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", "GPL-3.0-only"},
        {"GNU LESSER GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", "LGPL-3.0-only"},
        {"two licenses\n" MIT "\nApache License Version 2.0, January 2004", "Apache-2.0 AND MIT"},
        {"// SPDX-License-Identifier: ISC\n" MIT, "ISC"},
        {"SPDX-License-Identifier: Made-Up\n", NULL},
        {"SPDX-License-Identifier:", NULL},
        {"You may do with it what I say.", NULL},
        {"", NULL},
        {"\xff\xfe\0x", NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_STR got = NULL;
        assert_int_equal(koc__license_recognise(koc__str(table[i].text), &got, NULL), KOC_OK);
        same(got, table[i].want);
    }
}

KOC_TEST(license_names_who_holds_the_copyright)
{
    static const struct {
        const char *text, *statement, *holder;
    } table[] = {
        {"Copyright 2009 The Go Authors. All rights reserved.",
         "Copyright 2009 The Go Authors. All rights reserved.", "The Go Authors"},
        {"x\n   Copyright (c) 2012-2016, 2018 Dave <d@x.com>\n",
         "Copyright (c) 2012-2016, 2018 Dave <d@x.com>", "Dave"},
        {"// \xc2\xa9 2020 Acme, Inc.", "\xc2\xa9 2020 Acme, Inc.", "Acme, Inc"},
        {"Copyright The OpenTelemetry Authors", "Copyright The OpenTelemetry Authors",
         "The OpenTelemetry Authors"},
        {"Copyright [yyyy] [name of copyright owner]", NULL, NULL},
        {"Copyright {yyyy} {name}", NULL, NULL},
        {"Copyright (C) 2007 Free Software Foundation, Inc.", NULL, NULL},
        {"copyright notice that is included", NULL, NULL},
        {"Copyright 2020", NULL, NULL},
        {"Copyright 2020 \xff\xff", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_STR statement = NULL;
        KOC__AUTO_STR holder = NULL;
        assert_int_equal(koc__license_copyright(koc__str(table[i].text), &statement, &holder, NULL),
                         KOC_OK);
        same(statement, table[i].statement);
        same(holder, table[i].holder);
    }
}

KOC_TEST(license_of_a_directory_names_its_file)
{
    KOC__AUTO_VAL(koc__license) l = {0};
    assert_int_equal(koc__fs_mkdirs(koc_test_path("m"), 0755, NULL), KOC_OK);
    koc_test_write("m/COPYING", "as I say", 8);
    koc_test_write("m/LICENSE.md", MIT, strlen(MIT));
    koc_test_write("m/LICENSE.docs", "CC0 1.0 Universal", 17);
    koc_test_write("m/license.go", "Mozilla Public License Version 2.0", 34);
    koc_test_write("m/NOTICE", "Copyright 2020 Acme\n", 20);
    assert_int_equal(koc__license_of_dir(koc_test_path("m"), &l, NULL), KOC_OK);
    same(l.expression, "MIT");
    same(l.file, "LICENSE.md");
    same(l.holder, "Acme");
    assert_true(l.single);
    KOC__AUTO_VAL(koc__license) none = {0};
    assert_int_equal(koc__license_of_dir("/nowhere", &none, NULL), KOC_OK);
    assert_null(none.expression);
}

/* "a" with "x\n", stored. */
static const char small_zip[] =
    "PK\3\4\12\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\1\0\0\0ax\n"
    "PK\1\2\12\0\12\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a"
    "PK\5\6\0\0\0\0\1\0\1\0\57\0\0\0\41\0\0\0\0\0";

KOC_TEST(module_zip_has_the_sum_that_go_computes)
{
    KOC__AUTO_STR sum = NULL;
    koc_str zip = koc__str_n(small_zip, sizeof(small_zip) - 1);
    assert_int_equal(koc__module_zip_sum(zip, &sum, NULL), KOC_OK);
    same(sum, "h1:+xnOSX74yPkSk+fqTJzklqb6lxAUyp7fLEeJL+9jRKo=");
}

/* Cut off or changed anywhere: an error or another sum, and nothing worse. */
KOC_TEST(module_zip_survives_damage)
{
    char copy[sizeof(small_zip) - 1];
    for (size_t n = 0; n < sizeof(copy); n++) {
        KOC__AUTO_STR sum = NULL;
        char *exact = koc__malloc(n + 1);
        memcpy(exact, small_zip, n);
        assert_int_not_equal(koc__module_zip_sum(koc__str_n(exact, n), &sum, NULL), KOC_OK);
        koc__free(exact);
    }
    for (size_t i = 0; i < sizeof(copy) * 8; i++) {
        KOC__AUTO_STR sum = NULL;
        memcpy(copy, small_zip, sizeof(copy));
        copy[i / 8] ^= (char)(1 << i % 8);
        int rc = koc__module_zip_sum(koc__str_n(copy, sizeof(copy)), &sum, NULL);
        assert_true(rc == KOC_OK || rc == KOC_EFORMAT);
    }
}

/* --- edges --- */

KOC_TEST(go_mod_requires_what_is_not_indirect)
{
    static const char text[] =
        "module example.com/a\n\nrequire one.com/x v1.0.0\nrequire one.com/x v1.0.1\nrequire (\n"
        "\ttwo.com/y v2.0.0+incompatible // why\n\tthree.com/z v1.0.0 // indirect\n"
        "\t\"four.com/q\" v1.0.0\n\n)\nreplace five.com/r => ./r\n"
        "exclude (\n\tsix.com/s v1.0.0\n)\nrequire(\nseven.com/t v0.0.0\n)\nrequire\n";
    static const char *const want[] = {"one.com/x", "two.com/y", "four.com/q", "seven.com/t"};
    KOC__AUTO(koc_strlist) got = NULL;
    assert_int_equal(koc__strlist_new(&got, NULL), KOC_OK);
    assert_int_equal(koc__module_requires(koc__str(text), got, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(got), KOC__COUNT(want));
    for (size_t i = 0; i < KOC__COUNT(want); i++) {
        same(koc_strlist_get(got, i), want[i]);
    }
}

/* a and b require each other, c is required by nothing, and d is not in the program. */
KOC_TEST(edges_reach_every_module_and_end)
{
    static const char *const requires[][2] = {{"b", "d"}, {"a", "b"}, {NULL, NULL}};
    static const size_t want[][2] = {{0, 1}, {0, 3}, {1, 2}, {2, 1}};
    KOC__AUTO(koc__bom) b = NULL;
    koc__bom_edges e = {0};
    assert_int_equal(koc__bom_new(&b, NULL), KOC_OK);
    for (size_t i = 0; i < 4; i++) {
        (void)koc__bom_add(b, KOC__BOM_LIBRARY, "x", "x");
    }
    assert_int_equal(koc__bom_edges_begin(&e, 0, NULL, NULL), KOC_OK);
    for (size_t i = 0; i < 3; i++) {
        KOC__AUTO(koc_strlist) list = NULL;
        char name[2] = {(char)('a' + i), '\0'};
        for (size_t k = 0; k < 2 && requires[i][k]; k++) {
            assert_int_equal(list ? KOC_OK : koc__strlist_new(&list, NULL), KOC_OK);
            assert_int_equal(koc__strlist_add(list, requires[i][k], NULL), KOC_OK);
        }
        assert_int_equal(koc__bom_edges_add(&e, name, i + 1, &list, NULL), KOC_OK);
    }
    assert_int_equal(koc__bom_edges_link(&e, b, NULL), KOC_OK);
    assert_int_equal(koc__bom_finish(b, NULL), KOC_OK);
    assert_true(b->components[1].edges_known && !b->components[3].edges_known);
    assert_int_equal(b->n_edges, KOC__COUNT(want));
    for (size_t i = 0; i < KOC__COUNT(want); i++) {
        assert_int_equal(b->edges[i].from, want[i][0]);
        assert_int_equal(b->edges[i].to, want[i][1]);
    }
    koc__bom_edges_dispose(&e);
}

/* --- besides the program --- */

KOC_TEST(debugger_without_build_info_is_a_file_with_hashes)
{
    KOC__AUTO(koc__bom) b = NULL;
    const char *path = koc_test_write("dlv", "hello\n", 6);
    assert_int_equal(koc__bom_new(&b, NULL), KOC_OK);
    (void)koc__bom_add(b, KOC__BOM_CONTAINER, "image", "image");
    assert_int_equal(koc__bom_add_debugger(b, 0, NULL, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(b->n_components, 1);
    assert_int_equal(koc__bom_add_debugger(b, 0, path, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__bom_add_debugger(b, 0, "/nowhere", NULL, NULL, NULL), KOC_ENOTFOUND);
    const koc__bom_component *c = koc__bom_get(b, 1);
    same(c->name, "dlv");
    assert_null(c->version);
    assert_null(c->purl);
    assert_int_equal(c->n_hashes, 2);
    assert_int_equal(b->edges[0].to, 1);
}

KOC_TEST(files_of_no_layer_are_none)
{
    KOC__AUTO(koc__bom) b = NULL;
    assert_int_equal(koc__bom_new(&b, NULL), KOC_OK);
    assert_int_equal(koc__bom_add_files(b, 0, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(b->n_components, 0);
}
