/* Documents and List items under a selector. */
#include "core/common.h"

#include "helper.h"
#include "test.h"

#define POD(name, labels, image)                                                                   \
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " name "\n  labels: " labels "\nimage: " image  \
    "\n"

static void check_selected(const char *yaml, const char *selector, const char *want)
{
    check_text(resolve_selected(yaml, selector), want);
}

KOC_TEST(documents_that_do_not_match_go_with_their_references)
{
    check_selected("# a\n" POD("a", "{app: a}", "ko://x") "--- # b\n" POD(
                       "b", "{app: b}", "ko://no/such") "---\n" POD("c", "{app: a}", "c"),
                   "app=a",
                   "# a\n" POD("a", "{app: a}", IMAGE("x")) "---\n" POD("c", "{app: a}", "c"));
    check_selected(POD("a", "{app: a}", "ko://x") "---\n" POD("b", "{app: b}", "b"), "app=b",
                   "---\n" POD("b", "{app: b}", "b"));
    check_selected(POD("a", "{app: a}", "ko://x"), "app=b", "");
}

KOC_TEST(documents_without_labels_have_none)
{
    const char *yaml = "apiVersion: v1\nkind: Pod\n";
    check_selected(yaml, "!app", yaml);
    check_selected(yaml, "app!=a", yaml);
    check_selected(yaml, "app", "");
}

KOC_TEST(null_documents_go)
{
    check_selected("---\n---\n" POD("a", "{app: a}", "1") "---\n# c\n", "app",
                   "---\n" POD("a", "{app: a}", "1"));
}

KOC_TEST(what_is_no_object_is_refused)
{
    check_text(refused("---\n- 1\n", "a", KOC_EINVAL),
               "in.yaml:2:1: a selector needs objects, with apiVersion and kind");
    check_text(refused("kind: Pod\n", "a", KOC_EINVAL),
               "in.yaml:1:1: a selector needs objects, with apiVersion and kind");
    check_text(refused("apiVersion: v1\nkind: List\n", "a", KOC_EINVAL),
               "in.yaml:1:1: a List without items");
    check_text(refused("apiVersion: v1\nkind: List\nitems:\n- 1\n", "a", KOC_EINVAL),
               "in.yaml:4:3: a selector needs objects, with apiVersion and kind");
    check_text(refused("a: &l {x: y}\napiVersion: v1\nkind: Pod\nmetadata: {labels: *l}\n", "a",
                       KOC_EINVAL),
               "in.yaml:4:20: a selector cannot see labels behind an alias; write them out");
}

KOC_TEST(directives_stay_behind_the_end_of_a_document)
{
    check_selected(
        "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\nmetadata: {labels: {x: y}}\n...\n"
        "%YAML 1.1\n---\napiVersion: v1\nkind: C\n",
        "!x", "apiVersion: v1\nkind: A\n...\n%YAML 1.1\n---\napiVersion: v1\nkind: C\n");
    check_selected(
        "apiVersion: v1\nkind: B\nmetadata: {labels: {x: y}}\n...\n%YAML 1.1\n---\napiVersion: v1\n"
        "kind: C\n",
        "!x", "%YAML 1.1\n---\napiVersion: v1\nkind: C\n");
}

#define HEAD "apiVersion: v1\nkind: List\nitems:\n"
#define ITEM(name, app, image)                                                                     \
    "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: " name "\n    labels:\n      app: " app \
    "\n  image: " image " # " name "\n"

KOC_TEST(items_of_a_list_go)
{
    check_selected(HEAD "# one\n" ITEM("a", "a", "ko://no") "# two\n# more\n" ITEM(
                       "b", "b", "ko://x") "# three\n" ITEM("c", "a", "ko://no") "# end\n",
                   "app=b", HEAD "# two\n# more\n" ITEM("b", "b", IMAGE("x")) "# end\n");
    check_selected(HEAD ITEM("a", "b", "1") ITEM("b", "a", "2"), "app=b", HEAD ITEM("a", "b", "1"));
    check_selected(HEAD ITEM("a", "a", "1") ITEM("b", "a", "2"), "app=b", "");
    check_selected(HEAD ITEM("a", "a", "ko://x") "x: 1\n", "app=a",
                   HEAD ITEM("a", "a", IMAGE("x")) "x: 1\n");
}

KOC_TEST(items_end_with_their_document)
{
    check_selected(
        "kind: List\rapiVersion: v1\ritems:\r- {apiVersion: v1, kind: A, metadata: {labels: {x: y}}}\r"
        "- {apiVersion: v1, kind: B}\r---\rapiVersion: v1\rkind: C\rmetadata: {labels: {x: y}}\ri: ko://x\r",
        "x",
        "kind: List\rapiVersion: v1\ritems:\r- {apiVersion: v1, kind: A, metadata: {labels: {x: y}}}\r"
        "---\rapiVersion: v1\rkind: C\rmetadata: {labels: {x: y}}\ri: " IMAGE("x") "\r");
}

KOC_TEST(items_on_a_dash_of_their_own_go)
{
    check_selected(
        "apiVersion: v1\nkind: List\nitems:\n  -\n    apiVersion: v1\n    kind: A\n  - # c\n    apiVersion: v1\n"
        "    kind: B\n    metadata: {labels: {x: y}}\n",
        "x",
        "apiVersion: v1\nkind: List\nitems:\n  - # c\n    apiVersion: v1\n    kind: B\n"
        "    metadata: {labels: {x: y}}\n");
}

#define J(name, app)                                                                               \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"app\":\"" app             \
    "\"}},\"n\":\"" name "\"}"
#define LIST(items) "{\"kind\":\"List\",\"items\":[ " items " ],\"apiVersion\":\"v1\"}\n"

KOC_TEST(items_of_a_json_list_go_with_one_comma)
{
    check_selected(LIST(J("1", "a") ", " J("2", "b") "," J("3", "a")), "app=b", LIST(J("2", "b")));
    check_selected(LIST(J("1", "a") ", " J("2", "b") "," J("ko://x", "a")), "app=a",
                   LIST(J("1", "a") "," J("reg.example:5000/t/x@" DIGEST, "a")));
    check_selected(LIST(J("1", "b") ", " J("2", "a") "," J("3", "a")), "app=b", LIST(J("1", "b")));
}

KOC_TEST(only_the_kind_list_is_a_list)
{
    const char *yaml = "apiVersion: v1\nkind: DeploymentList\nitems:\n- 1\n";
    check_selected(yaml, "!app", yaml);
    check_selected(yaml, "app", "");
}
