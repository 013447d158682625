/* koc completion: scripts that make a shell run `koc __complete`. They contain no commands and no flags, so they fit
 * every version. */
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>

/* bash splits a word at = and :, and expects only the part after the last of them; so does bash 3.2. */
static const char bash[] =
    "# koc completion bash\n"
    "_koc() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} words cur kind candidate before IFS=$' \\t\\n'\n"
    "    read -r -a words <<< \"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=('')\n"
    "    cur=${words[${#words[@]}-1]}\n"
    "    before=''\n"
    "    case $COMP_WORDBREAKS in *=*) [[ $cur == *=* ]] && before=${cur%\"${cur##*=}\"} ;; esac\n"
    "    case $COMP_WORDBREAKS in *:*) [[ ${cur#\"$before\"} == *:* ]] && before=${cur%\"${cur##*:}\"} ;; esac\n"
    "    COMPREPLY=()\n"
    "    {\n"
    "        read -r kind\n"
    "        case $kind in\n"
    "        files|directories)\n"
    "            local how=-f\n"
    "            [[ $kind == directories ]] && how=-d\n"
    "            type compopt > /dev/null 2>&1 && compopt -o filenames\n"
    "            while IFS='' read -r candidate; do COMPREPLY+=(\"$candidate\"); done \\\n"
    "                < <(compgen $how -- \"${cur#\"$before\"}\") ;;\n"
    "        *)\n"
    "            while IFS=$'\\t' read -r candidate _; do\n"
    "                COMPREPLY+=(\"${candidate#\"$before\"}\")\n"
    "            done ;;\n"
    "        esac\n"
    "    } < <(\"${words[0]}\" __complete \"${words[@]:1}\" 2> /dev/null)\n"
    "    case ${#COMPREPLY[@]}:${COMPREPLY[0]:-} in\n"
    "    1:*[=:,/]) type compopt > /dev/null 2>&1 && compopt -o nospace ;;\n"
    "    esac\n"
    "    return 0\n"
    "}\n"
    "complete -F _koc koc\n";

static const char zsh[] =
    "#compdef koc\n"
    "# koc completion zsh\n"
    "_koc() {\n"
    "    local kind line candidate\n"
    "    local -a answer candidates shown spaced\n"
    "    answer=(\"${(@f)$(\"${words[1]}\" __complete \"${(@Q)words[2,CURRENT]}\" 2> /dev/null)}\")\n"
    "    kind=$answer[1]\n"
    "    shift answer\n"
    "    case $kind in\n"
    "    files|directories)\n"
    "        [[ $PREFIX == -*=* ]] && compset -P '*='\n"
    "        if [[ $kind == directories ]]; then _files -/; else _files; fi\n"
    "        return ;;\n"
    "    esac\n"
    "    for line in $answer; do\n"
    "        candidate=${line%%$'\\t'*}\n"
    "        [[ -n $candidate ]] || continue\n"
    "        candidates+=(\"$candidate\")\n"
    "        if [[ $line == *$'\\t'* ]]; then\n"
    "            shown+=(\"${(r:24:)candidate} -- ${line#*$'\\t'}\")\n"
    "        else\n"
    "            shown+=(\"$candidate\")\n"
    "        fi\n"
    "    done\n"
    "    (( $#candidates )) || return 1\n"
    "    spaced=(-S ' ')\n"
    "    [[ $#candidates == 1 && $candidates[1] == *[=:,/] ]] && spaced=(-S '')\n"
    "    if [[ ${(M)answer:#*$'\\t'*} != '' ]]; then\n"
    "        compadd $spaced -l -d shown -a -- candidates\n"
    "    else\n"
    "        compadd $spaced -a -- candidates\n"
    "    fi\n"
    "}\n"
    "if [[ ${funcstack[1]:-} == _koc ]]; then _koc \"$@\"; else compdef _koc koc; fi\n";

static const char fish[] =
    "# koc completion fish\n"
    "function __koc_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l current (commandline -ct)\n"
    "    set -l answer ($words[1] __complete $words[2..-1] \"$current\" 2> /dev/null)\n"
    "    set -l kind $answer[1]\n"
    "    set -e answer[1]\n"
    "    switch \"$kind\"\n"
    "        case files directories\n"
    "            set -l before (string match -r -- '^-[^=]*=' \"$current\")\n"
    "            set -l value (string replace -r -- '^-[^=]*=' '' \"$current\")\n"
    "            set -l found\n"
    "            if test $kind = directories\n"
    "                set found (__fish_complete_directories \"$value\" '')\n"
    "            else\n"
    "                set found (__fish_complete_path \"$value\")\n"
    "            end\n"
    "            for line in $found\n"
    "                printf '%s%s\\n' \"$before\" \"$line\"\n"
    "            end\n"
    "        case '*'\n"
    "            printf '%s\\n' $answer\n"
    "    end\n"
    "end\n"
    "complete -c koc -f -a '(__koc_complete)'\n";

static int run(cli *c, void *options, const cli_list *args)
{
    static const char *const names[] = {"bash", "zsh", "fish", NULL};
    static const char *const scripts[] = {bash, zsh, fish};
    (void)options;
    const char *name = args->count == 1 ? args->items[0] : "";
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(name, names[i]) == 0) {
            fputs(scripts[i], stdout);
            return cli_finish_stdout(c, EXIT_OK);
        }
    }
    return cli_usage(c, "koc completion needs one of bash, zsh, fish");
}

static const cli_example examples[] = {
    {"source <(koc completion bash)", "in ~/.bashrc; with zsh in ~/.zshrc"},
    {"koc completion fish > ~/.config/fish/completions/koc.fish", "for fish, once"},
    {NULL, NULL},
};

static const char more[] = "Installation\n"
                           "  meson install puts the scripts where the shells look for them:\n"
                           "    bash  share/bash-completion/completions/koc\n"
                           "    zsh   share/zsh/site-functions/_koc\n"
                           "    fish  share/fish/vendor_completions.d/koc.fish\n";

const cli_command cli_completion = {
    .name = "completion",
    .group = "Other",
    .usage = "koc completion bash|zsh|fish",
    .summary = "print a completion script for a shell",
    .description =
        "Prints a script that makes a shell complete commands, flags, platforms and the import "
        "paths of main packages.",
    .more = more,
    .examples = examples,
    .complete = "bash zsh fish",
    .run = run,
};
