/* Every rule of docs/resolve.md for Helm values and kustomizations. */
#include "core/common.h"

#include "helper.h"
#include "test.h"

#define NAME "reg.example:5000/t/x"

KOC_TEST(helm_repository_alone_takes_the_whole)
{
    CHECK("image:\n  repository: ko://x\n", "image:\n  repository: " IMAGE("x") "\n");
}

KOC_TEST(helm_tag_takes_the_digest)
{
    CHECK("image:\n  repository: ko://x # r\n  pullPolicy: Always\n  tag: v1 # t\n",
          "image:\n  repository: " NAME " # r\n  pullPolicy: Always\n  tag: v1@" DIGEST " # t\n");
    CHECK("image: {tag: '1.0', repository: \"ko://x\"}\n",
          "image: {tag: '1.0@" DIGEST "', repository: \"" NAME "\"}\n");
    CHECK("{\"repository\":\"ko://x\",\"tag\":\"1.0\"}",
          "{\"repository\":\"" NAME "\",\"tag\":\"1.0@" DIGEST "\"}");
    CHECK("repository: ko://x\ntag: 1.10\n", "repository: " NAME "\ntag: 1.10@" DIGEST "\n");
}

KOC_TEST(helm_an_empty_tag_becomes_latest)
{
    CHECK("repository: ko://x\ntag: \"\"\n", "repository: " NAME "\ntag: \"latest@" DIGEST "\"\n");
    CHECK("repository: ko://x\ntag:\nother: 1\n",
          "repository: " NAME "\ntag: latest@" DIGEST "\nother: 1\n");
    CHECK("repository: ko://x\ntag: # none\n",
          "repository: " NAME "\ntag: latest@" DIGEST " # none\n");
    CHECK("repository: ko://x\ntag: ~\n", "repository: " NAME "\ntag: latest@" DIGEST "\n");
    CHECK("repository: ko://x\ntag: &t\n", "repository: " NAME "\ntag: &t latest@" DIGEST "\n");
}

KOC_TEST(helm_a_text_right_behind_an_anchor_is_kept_apart)
{
    CHECK("repository: ko://x\ntag: &t:v1\n", "repository: " NAME "\ntag: &t \":v1@" DIGEST "\"\n");
}

KOC_TEST(helm_digest_is_filled_and_the_tag_stays)
{
    CHECK("repository: ko://x\ntag: v1\ndigest: \"\"\n",
          "repository: " NAME "\ntag: v1\ndigest: \"" DIGEST "\"\n");
    CHECK("digest:\nrepository: ko://x\n", "digest: " DIGEST "\nrepository: " NAME "\n");
}

KOC_TEST(helm_registry_is_cut_off)
{
    CHECK("registry: docker.io\nrepository: ko://x\ntag: v1\n",
          "registry: reg.example:5000\nrepository: t/x\ntag: v1@" DIGEST "\n");
    CHECK("registry: \"\"\nrepository: ko://x\ntag: v1\n",
          "registry: \"\"\nrepository: " NAME "\ntag: v1@" DIGEST "\n");
}

KOC_TEST(helm_without_a_digest_the_tag_is_the_pushed_one)
{
    check_text(resolve_labelled("v", "repository: ko://x\ntag: v1\n", NULL, ":v2"),
               "repository: " NAME "\ntag: \"v2\"\n");
}

KOC_TEST(helm_what_cannot_be_right_is_refused)
{
    REFUSED("repository: ko://x:1\ntag: v1\n",
            "1:13: a tag after the reference, and another beside it");
    REFUSED("a: &t v1\nb: {repository: ko://x, tag: *t}\n",
            "2:17: the tag or digest beside it must be a string");
    REFUSED("{tag, repository: ko://x}", "1:2: a value must be written here: \"\" will do");
    REFUSED("{repository: ko://x, tag: ko://x}",
            "1:27: a reference here, where the one beside it puts its tag or digest");
    REFUSED("newName: ko://x\nrepository: ko://y\ndigest: \"\"\n",
            "3:9: two references beside it write to this value");
    REFUSED("newName: ko://x\nrepository: ko://y\ndigest:\n",
            "3:8: two references beside it write to this value");
    REFUSED("repository: ko://x\ntag: |\n  v1\n",
            "2:6: the image's tag or digest is written here, which a block cannot take");
}

KOC_TEST(kustomize_new_name_and_digest)
{
    CHECK("images:\n- name: app\n  newName: ko://x\n  digest: sha256:0\n",
          "images:\n- name: app\n  newName: " NAME "\n  digest: " DIGEST "\n");
    CHECK("images:\n- name: app\n  newName: ko://x\n  newTag: v1\n",
          "images:\n- name: app\n  newName: " NAME "\n  newTag: v1@" DIGEST "\n");
}

KOC_TEST(kustomize_a_missing_digest_is_put_in)
{
    CHECK("images:\n  - newName: ko://x # c\n    name: app\n",
          "images:\n  - digest: " DIGEST "\n    newName: " NAME " # c\n    name: app\n");
    CHECK("images:\r\n- name: app\r\n  newName: ko://x\r\n",
          "images:\r\n- name: app\r\n  digest: " DIGEST "\r\n  newName: " NAME "\r\n");
    CHECK("images: [{name: app, newName: ko://x}]\n",
          "images: [{name: app, digest: " DIGEST ", newName: " NAME "}]\n");
    CHECK("{\"images\":[{\"name\":\"app\",\"newName\":\"ko://x\"}]}",
          "{\"images\":[{\"name\":\"app\",\"digest\": \"" DIGEST "\", \"newName\":\"" NAME "\"}]}");
    REFUSED(
        "images:\n- name: app\n  &a newName: ko://x\n",
        "3:6: \"digest\" is missing here and cannot be inserted before an anchor or tag; add it");
}

KOC_TEST(kustomize_a_name_is_what_is_looked_for)
{
    CHECK("kind: Kustomization\nimages:\n- name: ko://x\n",
          "kind: Kustomization\nimages:\n- newName: " NAME "\n  digest: " DIGEST
          "\n  name: ko://x\n");
    CHECK("images:\n- name: ko://x\n  newTag: v1\nkind: Kustomization\n",
          "images:\n- newName: " NAME "\n  name: ko://x\n  newTag: v1@" DIGEST
          "\nkind: Kustomization\n");
    CHECK("kind: Kustomization\nimages:\n- name: ko://x\n  newName: mine\n",
          "kind: Kustomization\nimages:\n- name: ko://x\n  newName: mine\n");
    check_text(
        resolve_labelled("a/kustomization.yaml", "images:\n- name: ko://x\n", NULL, "@" DIGEST),
        "images:\n- newName: " NAME "\n  digest: " DIGEST "\n  name: ko://x\n");
    CHECK("images:\n- name: ko://x\n",
          "images:\n- name: " IMAGE("x") "\n"); /* some other document */
}

KOC_TEST(kustomize_new_name_has_no_tag)
{
    REFUSED("images:\n- name: a\n  newName: ko://x:1\n", "3:12: a tag belongs into newTag");
}

KOC_TEST(other_members_of_these_names_are_references_like_any)
{
    CHECK("name: ko://x\ntag: ko://x\ndigest: ko://x\n",
          "name: " IMAGE("x") "\ntag: " IMAGE("x") "\ndigest: " IMAGE("x") "\n");
    CHECK("repository: ko://x\nrepository: ko://x\n",
          "repository: " IMAGE("x") "\nrepository: " IMAGE("x") "\n");
}
