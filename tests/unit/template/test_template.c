/* The expected texts were made with Go's own text/template (1.26), missingkey=error. */
#include "core/common.h"

#include "template/template.h"
#include "test.h"

/* clang-format off */
static const struct {
    const char *source, *text;
} works[] = {
    {"plain", "plain"},
    {"{{.Env.FOO}}", "bar"},
    {"a{{.Env.FOO}}b{{.Env.V}}c", "abarb1.2.3c"},
    {"{{ .Env.FOO }}", "bar"},
    {"-X main.v={{.Env.FOO}}/{{.Git.TreeState}}/{{.Date}}/{{.Timestamp}}", "-X main.v=bar/clean/2023-11-14T22:13:20Z/1700000000"},
    {"{{.Env.LDFLAGS}}", ""},
    {"  {{- .Env.FOO -}}  x", "barx"},
    {"a {{- .Env.FOO}} b", "abar b"},
    {"a {{.Env.FOO -}} b", "a barb"},
    {"{{- \"x\" -}}", "x"},
    {"{{-3}}", "-3"},
    {"{{- 3 -}}", "3"},
    {"{{3 -}} x", "3x"},
    {"{{/* c */}}x", "x"},
    {"a {{- /* c */ -}} b", "ab"},
    {"{{\"a\\tb\\\"\\x41\\101\\u00e9\\U0001F600\"}}", "a\tb\"AA\303\251\360\237\230\200"},
    {"{{`raw\\n`}}", "raw\\n"},
    {"{{'a'}}", "97"},
    {"{{1}} {{-1}} {{+7}} {{0x1F}} {{0b101}} {{0o17}} {{017}}", "1 -1 7 31 5 15 15"},
    {"{{1_000}}", "1000"},
    {"{{true}} {{false}}", "true false"},
    {"{{if .Env.FOO}}yes{{end}}", "yes"},
    {"{{if .Env.EMPTY}}yes{{end}}", ""},
    {"{{if .Env.EMPTY}}yes{{else}}no{{end}}", "no"},
    {"{{if .Env.EMPTY}}1{{else if .Env.FOO}}2{{else}}3{{end}}", "2"},
    {"{{if .Env.EMPTY}}1{{else if 0}}2{{else}}3{{end}}", "3"},
    {"{{if 0}}a{{else if 0}}b{{else if 1}}c{{end}}", "c"},
    {"{{if .Git.IsDirty}}dirty{{else}}clean{{end}}", "clean"},
    {"{{if not .Git.IsDirty}}clean{{end}}", "clean"},
    {"{{if 1}}{{if 0}}a{{else}}b{{end}}{{end}}", "b"},
    {"{{with .Env.FOO}}<{{.}}>{{end}}", "<bar>"},
    {"{{with .Env.EMPTY}}<{{.}}>{{else}}none{{end}}", "none"},
    {"{{with .Env}}{{.FOO}}{{$.Date}}{{end}}", "bar2023-11-14T22:13:20Z"},
    {"{{with $x := .Env.FOO}}{{$x}}{{.}}{{end}}", "barbar"},
    {"{{with .Git}}{{.Tag}}-{{.ShortCommit}}{{end}}", "v1.0.0-abc1234"},
    {"{{$x := .Env.FOO}}{{$x}}{{$x}}", "barbar"},
    {"{{$x := 1}}{{$x = 2}}{{$x}}", "2"},
    {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
    {"{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"},
    {"{{$.Env.FOO}}", "bar"},
    {"{{$x := .Env}}{{$x.FOO}}", "bar"},
    {"{{eq .Env.FOO \"bar\"}}", "true"},
    {"{{eq .Env.FOO \"x\" \"bar\"}}", "true"},
    {"{{eq .Env.FOO \"x\" \"y\"}}", "false"},
    {"{{eq 1 1}} {{eq 1 2}} {{eq true true}} {{eq true false}}", "true false true false"},
    {"{{ne .Env.FOO \"bar\"}} {{ne 1 2}}", "false true"},
    {"{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 3}} {{lt \"a\" \"b\"}} {{gt \"a\" \"b\"}}", "true true false false true false"},
    {"{{and 1 2}}|{{or 0 2}}|{{or \"\" \"\"}}|{{and \"\" .Nope}}|{{or 1 .Nope}}", "2|2|||1"},
    {"{{not 1}} {{not \"\"}}", "false true"},
    {"{{eq 1 1 2}} {{eq \"a\" \"b\" \"a\" \"c\"}} {{eq \"a\" \"a\" \"b\"}}", "true true true"},
    {"{{index \"\\xff\\x80\" 0}} {{index \"\303\251\" 1}}", "255 169"},
    {"{{\"\" | or 0}}|{{3 | and 2}}|{{0 | and 2}}|{{7 | or 0}}|{{\"x\" | or \"\"}}", "|3|0|7|x"},
    {"{{index .Env \"FOO\"}}", "bar"},
    {"{{index .Env \"NOPE\"}}x", "x"},
    {"{{index .Git \"Nope\"}}", "<no value>"},
    {"{{index . \"Env\" \"FOO\"}}", "bar"},
    {"{{(index . \"Env\").FOO}}", "bar"},
    {"{{(index .Env \"FOO\")}}", "bar"},
    {"{{len .Env.FOO}} {{len \"\303\251\"}} {{len \"\"}}", "3 2 0"},
    {"{{print \"a\" \"b\" 1 2 \"c\" 3 true false}}", "ab1 2c3 true false"},
    {"{{print 1 2}}|{{print \"a\" 1}}|{{print}}|{{print true 1}}", "1 2|a1||true 1"},
    {"{{println \"a\" 1 2}}", "a 1 2\n"},
    {"{{printf \"%s-%d\" .Env.FOO 42}}", "bar-42"},
    {"{{printf \"%v %v %v\" \"a\" 1 true}}", "a 1 true"},
    {"{{printf \"%q\" \"a\\\"b\\n\\t\\x01\"}}", "\"a\\\"b\\n\\t\\x01\""},
    {"{{printf \"%5s|%-5s|%.2s|%5.1s|\" \"abc\" \"abc\" \"abc\" \"abc\"}}", "  abc|abc  |ab|    a|"},
    {"{{printf \"%5d|%-5d|%05d|%+d|% d|%+05d|\" 42 42 42 42 42 42}}", "   42|42   |00042|+42| 42|+0042|"},
    {"{{printf \"%x %X %#x\" 255 255 255}}", "ff FF 0xff"},
    {"{{printf \"%x %X\" \"hello\" \"hello\"}}", "68656c6c6f 68656C6C6F"},
    {"{{printf \"% x|%#x|% #x\" \"abc\" \"abc\" \"abc\"}}", "61 62 63|0x616263|0x61 0x62 0x63"},
    {"{{printf \"%t %5t\" true false}}", "true false"},
    {"{{printf \"%%\"}}", "%"},
    {"{{printf \"%.3d|%8.3d|%-8.3d|%08d\" 5 5 5 -5}}", "005|     005|005     |-0000005"},
    {"{{printf \"%5q\" \"a\"}}", "  \"a\""},
    {"{{printf \"%3s|%-3s|\" \"\303\251\" \"\303\251\"}}", "  \303\251|\303\251  |"},
    {"{{printf \"%.1s\" \"\303\251a\"}}", "\303\251"},
    {"{{printf \"%05s\" \"ab\"}}", "000ab"},
    {"{{printf \"%.3x\" \"hello\"}}", "68656c"},
    {"{{printf \"%06.3d\" 5}}", "   005"},
    {"{{printf \"%x\" -255}}", "-ff"},
    {"{{printf \"%#08x\" 255}}", "0x000000ff"},
    {"{{printf \"%v\" .Timestamp}}", "1700000000"},
    {"{{printf \"no verbs\"}}", "no verbs"},
    {"{{.Env.FOO | printf \"%s-%s\" \"x\"}}", "x-bar"},
    {"{{.Env.FOO | len}}", "3"},
    {"{{\"a\" | print \"b\" | printf \"%q\"}}", "\"ba\""},
    {"{{.Env.FOO | eq \"bar\"}}", "true"},
    {"{{1 | }}", "1"},
    {"{{printf \"%s\" (print \"a\" \"b\")}}", "ab"},
    {"{{printf \"%d\" (len (print \"a\" \"b\"))}}", "2"},
    {"{{(1)}} {{((2))}}", "1 2"},
    {"{{.Env.FOO\n}}", "bar"},
    {"}}", "}}"},
    {"{ {.Env.FOO} }", "{ {.Env.FOO} }"},
    {"{{\"{{\"}}", "{{"},
    {"{{\"}}\"}}", "}}"},
    {"{{if eq .Env.FOO \"bar\"}}-s -w{{else}}-N{{end}}", "-s -w"},
    {"{{if and (eq .Env.FOO \"bar\") (not .Git.IsDirty)}}release{{end}}", "release"},
    {"{{with $x := .Git.Tag}}{{if ne $x \"v0.0.0\"}}-X v={{$x}}{{end}}{{end}}", "-X v=v1.0.0"},
    {"{{.Git.CommitTimestamp}} {{.Git.CommitDate}} {{.Git.Branch}} {{.Git.IsClean}}", "1700000000 2023-11-14T22:13:20Z main true"},
    {"{{or .Env.EMPTY \"default\"}}", "default"},
    {"{{.Env.FOO}}{{.Env.FOO}}", "barbar"},
    {"\t{{- \"tab\" }}", "tab"},
    {"{{print nil}}", "<nil>"},
    {"{{eq .Env.FOO nil}}", "false"},
    {"{{$x := 1}}{{with 2}}{{$x}}{{.}}{{end}}", "12"},
    {"{{if $x := .Env.FOO}}{{$x}}{{else}}{{$x}}{{end}}", "bar"},
    {"{{with 0}}a{{else with 1}}{{.}}{{end}}", "1"},
    {"{{/* a */}}{{/* b */}}", ""},
    {"x{{/* a */ -}}   y", "xy"},
    {"{{range 3}}{{.}}{{end}}", "012"},
    {"{{range 0}}x{{else}}none{{end}}", "none"},
    {"{{range $i := 9}}{{if eq $i 2}}{{continue}}{{end}}{{if eq $i 4}}{{break}}{{end}}{{$i}}{{end}}", "013"},
    {"{{define \"a\"}}<{{.}}>{{end}}{{template \"a\" 1}}{{block \"b\" 2}}[{{.}}]{{end}}", "<1>[2]"},
    {"{{define \"r\"}}{{if .}}{{len .}}{{template \"r\" (slice . 1)}}{{end}}{{end}}{{template \"r\" \"abc\"}}", "321"},
    {"{{html \"<&'>\"}}{{js \"<'\"}}{{urlquery \"a b/\"}}", "&lt;&amp;&#39;&gt;\\u003C\\'a+b%2F"},
    {"{{index \"abc\" 1}}{{slice \"abcd\" 1 3}}", "98bc"},
    {"{{9223372036854775807}}", "9223372036854775807"},
    {"{{\"\\a\\b\\f\\n\\r\\t\\v\\\\\"}}", "\a\b\f\n\r\t\v\\"},
    {"{{printf \"%q\" \"\\a\\b\\f\\r\\v\\x1f~\\x7f\303\251\"}}", "\"\\a\\b\\f\\r\\v\\x1f~\\x7f\303\251\""},
    {"{{\"\\\"\"}}", "\""},
    {"{{\"\\x7F\\x7f\"}}", "\177\177"},
    {"{{\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"}}", "\177\302\200\337\277\340\240\200\357\277\277"},
    {"{{\"\\ud7ff\\ue000\"}}", "\355\237\277\356\200\200"},
    {"{{\"\\U00010000\\U0010ffff\"}}", "\360\220\200\200\364\217\277\277"},
    {"{{'\\''}} {{'\\n'}} {{'\\x41'}} {{'\303\251'}} {{'\346\227\245'}} {{'\360\237\230\200'}}", "39 10 65 233 26085 128512"},
    {"{{\"a'b\"}}", "a'b"},
    {"{{`a\"b'c\\`}}", "a\"b'c\\"},
    {"{{0xaF}} {{0XAf}} {{0B1}} {{0O7}}", "175 175 1 7"},
    {"{{printf \"%b %o %x %X\" 5 8 255 255}}", "101 10 ff FF"},
    {"{{printf \"%b\" -5}} {{printf \"%b\" 0}}", "-101 0"},
    {"{{printf \"%#b %#o %#x %#X\" 5 8 255 255}}", "0b101 010 0xff 0XFF"},
    {"{{printf \"%5b|%-5b|%05b\" 2 2 2}}", "   10|10   |00010"},
    {"{{printf \"%.0d|%.0d|%5.0d|\" 0 1 0}}", "|1|     |"},
    {"{{printf \"%+.3d|% .3d|%+5d|%+05d\" 5 5 5 5}}", "+005| 005|   +5|+0005"},
    {"{{printf \"%1d|%2d|%02d|%03d\" 42 42 42 -4}}", "42|42|42|-04"},
    {"{{printf \"%v|%5v|%-5v|%+v\" 42 42 42 42}}", "42|   42|42   |42"},
    {"{{printf \"%x|%X|% X|%# X\" \"az\" \"az\" \"az\" \"az\"}}", "617a|617A|61 7A|0X61 0X7A"},
    {"{{printf \"%x|%#x\" \"\" \"\"}}", "|"},
    {"{{printf \"%.2x\" \"abc\"}}", "6162"},
    {"{{printf \"%4x|%-4x|\" \"a\" \"a\"}}", "  61|61  |"},
    {"{{printf \"%.0s|%.5s|%.3s\" \"abc\" \"abc\" \"abc\"}}", "|abc|abc"},
    {"{{printf \"%3s|%4s|%2s\" \"abc\" \"abc\" \"abc\"}}", "abc| abc|abc"},
    {"{{printf \"%s\" .Env.EMPTY}}|{{printf \"%q\" \"\"}}", "|\"\""},
    {"{{printf \"%10t|%-7t|\" true false}}", "      true|false  |"},
    {"{{printf \"%v %v\" nil 1}}", "<nil> 1"},
    {"{{printf \"a%%b%d\" 1}}", "a%b1"},
    {"{{printf \"%d%%\" 50}}", "50%"},
    {"{{printf \"%-05d|\" 42}}", "42   |"},
    {"{{js \"a<>&='\\\"\\\\\\n\\x1f\\x7f \303\251\"}}", "a\\u003C\\u003E\\u0026\\u003D\\'\\\"\\\\\\u000A\\u001F\177 \303\251"},
    {"{{urlquery \"azAZ09-_.~ /?\303\251@[`{\"}}", "azAZ09-_.~+%2F%3F%C3%A9%40%5B%60%7B"},
    {"{{html \"a\" 1 true}} {{js 1}} {{urlquery \"a\" \"b\"}}", "a1 true 1 ab"},
    {"{{index \"abc\" 0}} {{index \"abc\" 2}}", "97 99"},
    {"{{index \"abc\"}}", "abc"},
    {"{{index .Env \"FOO\" 0}}", "98"},
    {"{{index .Git \"Tag\" 0}}", "118"},
    {"{{slice \"abc\"}} {{slice \"abc\" 0}} {{slice \"abc\" 3}}| {{slice \"abc\" 1 1}}| {{slice \"abc\" 0 3}}", "abc abc | | abc"},
    {"{{lt \"a\" \"a\"}} {{le \"a\" \"a\"}} {{gt \"b\" \"a\"}} {{ge \"a\" \"a\"}} {{lt \"b\" \"a\"}}", "false true true true false"},
    {"{{lt 1 1}} {{le 1 2}} {{gt 2 1}} {{ge 1 1}} {{gt 1 1}}", "false true true true false"},
    {"{{eq nil nil}}", "true"},
    {"{{eq \"a\" \"b\" \"c\" \"a\"}} {{eq 1 2 3}} {{eq true false}}", "true false false"},
    {"{{ne \"a\" \"a\"}} {{ne true false}}", "false true"},
    {"{{not nil}}", "true"},
    {"{{not .Env}}", "false"},
    {"{{and 1}} {{or 0}} {{and 1 2 3}} {{or 0 0 3}}", "1 0 3 3"},
    {"{{print 1 \"a\" \"b\" 2 3}} {{print \"a\" nil}} {{print nil nil}}", "1ab2 3 a<nil> <nil> <nil>"},
    {"{{println}}{{println 1 2}}", "\n1 2\n"},
    {"{{range $i := 3}}{{$i}}{{else}}x{{end}}", "012"},
    {"{{range -1}}a{{else}}b{{end}}", "b"},
    {"{{range 2}}{{range 2}}{{.}}{{end}}|{{end}}", "01|01|"},
    {"{{range 3}}{{if eq . 1}}{{break}}{{end}}{{.}}{{end}}", "0"},
    {"{{range 3}}{{.}}{{continue}}x{{end}}", "012"},
    {"{{$x := 1}}{{range $x = 3}}{{$x}}{{end}}{{$x}}", "0122"},
    {"{{$x := 1}}{{$y := 2}}{{$x = $y}}{{$x}}{{$y}}", "22"},
    {"{{$x := 1}}{{$x := 2}}{{$x}}", "2"},
    {"{{$a := 1}}{{with $a}}{{$a = 5}}{{end}}{{$a}}", "5"},
    {"{{$x := 1 | print}}{{$x}}", "1"},
    {"{{define \"a\"}}x{{end}}{{define \"b\"}}y{{end}}{{template \"a\"}}{{template \"b\"}}", "xy"},
    {"{{define \"a\"}}x{{end}}{{define \"a\"}} {{end}}{{template \"a\"}}", "x"},
    {"{{define \"a\"}} {{end}}{{define \"a\"}}y{{end}}{{template \"a\"}}", "y"},
    {"{{define \"a\"}}{{$.Env.FOO}}{{.Date}}{{end}}{{template \"a\" .}}", "bar2023-11-14T22:13:20Z"},
    {"{{define \"a\"}}{{.}}{{end}}{{template \"a\"}}", "<no value>"},
    {"{{define \"a\"}}{{.}}{{end}}{{template \"a\" (print 1 2)}}", "1 2"},
    {"{{block \"a\" 1}}<{{.}}>{{end}}{{template \"a\" 2}}", "<1><2>"},
    {"{{with 1}}a{{else with 2}}b{{end}}", "a"},
    {"{{with \"\"}}a{{else with \"\"}}b{{else}}c{{end}}", "c"},
    {"{{if 1}}{{else}}{{end}}x", "x"},
    {"{{if .Env}}a{{end}}{{if \"x\"}}b{{end}}{{if -1}}c{{end}}", "abc"},
    {"{{1 | print | print \"a\"}}", "a1"},
    {"{{print (print (print 1))}}", "1"},
    {"{{(\"a\")}}{{(1)}}", "a1"},
    {"{{(.Env).FOO}}", "bar"},
    {"{{print (1 | print)}}", "1"},
    {"{{true | not}}", "false"},
    {"{{1 |}}", "1"},
    {"{{ ( 1 ) }}", "1"},
    {"{{ \"a\" }} {{- \"b\" -}} c", "abc"},
    {"a {{- /* x */}} b", "a b"},
    {"a {{/* x */ -}} b", "a b"},
    {"{{/**/}}x", "x"},
    {"{{- /* x */}}b", "b"},
    {"{{/*\nx\n*/}}b", "b"},
    {"{{- -1 }} {{- 1}}", "-11"},
    {"{{-1}}{{- 1 -}}", "-11"},
    {"x}} {{\"}}\"}}", "x}} }}"},
    {"{{`a\nb`}}", "a\nb"},
    {"{{\"\302\200\"}}", "\302\200"},
    {"{{1}}\t{{- 2 -}}\r\n 3", "123"},
    {"\303\251{{.Env.FOO}}\303\251", "\303\251bar\303\251"},
    {"{{.Env.FOO}}\n\n", "bar\n\n"},
};

/* Go rejects these also, while it parses or executes. */
static const char *const refused_by_go[] = {
    "{{.Env.NOPE}}",
    "{{.Nope}}",
    "{{.Git.Nope}}",
    "{{.Date.X}}",
    "{{.Timestamp.X}}",
    "{{.Env.FOO.X}}",
    "{{ /* c */ }}",
    "{{/* c }}",
    "{{/* c */ }}",
    "{{\"\\q\"}}",
    "{{\"unterminated}}",
    "{{09}}",
    "{{1x}}",
    "{{nil}}",
    "{{if}}x{{end}}",
    "{{if .Env.FOO}}x",
    "{{end}}",
    "{{else}}",
    "{{if 1}}a{{else}}b{{else}}c{{end}}",
    "{{if true}}{{$y := 2}}{{end}}{{$y}}",
    "{{$y = 2}}",
    "{{$y}}",
    "{{$x, $y := .Env}}",
    "{{eq 1 \"1\"}}",
    "{{eq 1}}",
    "{{eq}}",
    "{{ne 1 2 3}}",
    "{{lt 1 \"a\"}}",
    "{{lt true false}}",
    "{{lt 1}}",
    "{{eq .Env .Env}}",
    "{{and 1 0 2}} {{and 1 2}} {{or 0 \"\" \"x\"}} {{or 0 \"\"}} {{and}}",
    "{{and 1 .Nope}}",
    "{{not}}",
    "{{not 1 2}}",
    "{{index .Env 1}}",
    "{{index .Date 1 2}}",
    "{{index}}",
    "{{len 3}}",
    "{{len}}",
    "{{printf 1}}",
    "{{printf}}",
    "{{1 | .Env.FOO}}",
    "{{1 | 2}}",
    "{{1 | \"x\"}}",
    "{{.Env.FOO \"x\"}}",
    "{{\"x\" \"y\"}}",
    "{{1 2}}",
    "{{ | 1}}",
    "{{}}",
    "{{ }}",
    "{{(1}}",
    "{{1)}}",
    "{{()}}",
    "{{nofunc 1}}",
    "{{.Env.FOO | nofunc}}",
    "{{.Env.FOO\"x\"}}",
    "{{printf(\"x\")}}",
    "{{.Env. FOO}}",
    "{{..Env}}",
    "{{. .Env}}",
    "{{.Env.FOO}",
    "{{\nx}}y",
    "{{{.Env.FOO}}}",
    "{{@}}",
    "{{\"a\" + \"b\"}}",
    "{{.Env.F\303\226\303\226}}",
    "{{if $x := .Env.EMPTY}}{{$x}}{{else}}[{{$x}}]{{end}}{{$x}}",
    "{{end -}}",
    "{{\"\\0\"}}",
    "{{\"\\00\"}}",
    "{{\"\\400\"}}",
    "{{\"\\08\"}}",
    "{{\"\\xg0\"}}",
    "{{\"\\ud800\"}}",
    "{{\"\\udfff\"}}",
    "{{\"\\U00110000\"}}",
    "{{\"\\u00e\"}}",
    "{{\"\\x4\"}}",
    "{{\"\\x41}}",
    "{{''}}",
    "{{'ab'}}",
    "{{'a}}",
    "{{0}} {{-0}} {{+0}} {{0_0}} {{0x_1}} {{1__0}}",
    "{{0b2}}",
    "{{0o8}}",
    "{{0xg}}",
    "{{08}}",
    "{{0x}}",
    "{{_1}}",
    "{{1_}}",
    "{{-}}",
    "{{+}}",
    "{{9223372036854775808}}",
    "{{-9223372036854775809}}",
    "{{index \"abc\" 3}}",
    "{{index \"abc\" -1}}",
    "{{index \"abc\" \"1\"}}",
    "{{index 1 1}}",
    "{{slice \"abc\" 2 1}}",
    "{{slice \"abc\" 4}}",
    "{{slice \"abc\" 0 4}}",
    "{{slice \"abc\" -1}}",
    "{{slice \"abc\" 0 1 2}}",
    "{{slice 1 1}}",
    "{{slice \"abc\" \"a\"}}",
    "{{le true true}}",
    "{{eq .Git .Git}}",
    "{{eq 1 true}}",
    "{{and}}",
    "{{or}}",
    "{{len nil}}",
    "{{len true}}",
    "{{range $i, $j := 3}}{{$i}}{{end}}",
    "{{range \"abc\"}}{{.}}{{end}}",
    "{{range nil}}a{{else}}b{{end}}",
    "{{range true}}a{{end}}",
    "{{break}}",
    "{{continue}}",
    "{{range 1}}{{end}}{{break}}",
    "{{if 1}}{{break}}{{end}}",
    "{{range 1}}{{break 1}}{{end}}",
    "{{range 1}}a{{else}}{{break}}{{end}}",
    "{{$x}}",
    "{{$x := }}",
    "{{$x 1}}",
    "{{$x := 1}}{{$x.Y}}",
    "{{define \"a\"}}x{{end}}{{define \"a\"}}y{{end}}{{template \"a\"}}",
    "{{define \"a\"}}x",
    "{{define \"a\"}}x{{else}}{{end}}",
    "{{define a}}x{{end}}",
    "{{define}}x{{end}}",
    "{{define \"a\" 1}}x{{end}}",
    "{{template \"none\"}}",
    "{{template}}",
    "{{template \"a\" 1 2}}",
    "{{template a}}",
    "{{block \"a\"}}x{{end}}",
    "{{block \"a\" 1}}x{{else}}y{{end}}",
    "{{if 1}}{{define \"a\"}}x{{end}}{{end}}",
    "{{with}}x{{end}}",
    "{{with $x := 1}}{{$x}}{{end}}{{$x}}",
    "{{if 0}}{{else if}}x{{end}}",
    "{{else if 1}}",
    "{{if true}}a{{end}}{{if false}}b{{end}}{{if nil}}c{{end}}",
    "{{(print 1).X}}",
    "{{(1 | 2)}}",
    "{{print 1 | 2}}",
    "{{nil | print}}",
    "{{| 1}}",
    "{{1 || 2}}",
    "{{print 1,2}}",
    "{{print = 1}}",
    "{{)}}",
    "{{(}}",
    "{{print(1)}}",
    "{{print (1)(2)}}",
    "{{\"a\".\"b\"}}",
    "{{.Env .FOO}}",
    "{{.Env.FOO.}}",
    "{{.Env.}}",
    "{{true false}}",
    "{{truex}}",
    "{{a.b}}",
    "{{$x.y.z := 1}}",
    "{{.\303\251}}",
    "{{/* x */-}} b",
    "{{/* a */ }}",
    "a {{-}} b",
    "x{{\nx}}",
    "{{\"a\nb\"}}",
    "{{`a}}",
    "{{\"a\\\nb\"}}",
    "{{#}}",
    "{{1}}{{",
    "{{\303\251}}",
};

/* What koc does not support; each error must name it. */
static const struct {
    const char *source, *named;
} left_out[] = {
    {"{{call .X}}", "call"},
    {"{{1.5}}", "1.5"},
    {"{{1e3}}", "1e3"},
    {"{{printf \"%c\" 65}}", "%c"},
    {"{{printf \"%d\" \"x\"}}", "%d"},
    {"{{printf \"%s\" 1}}", "%s"},
    {"{{printf \"%s\"}}", "no value"},
    {"{{printf \"%s\" \"a\" \"b\"}}", "more values"},
    {"{{printf \"%99999999d\" 1}}", "width"},
    {"{{printf \"%\"}}", "verb"},
    {"{{printf \"%*d\" 1 1}}", "%*"},
};

/* One line per error: position, message. */
static const struct {
    const char *source, *message;
} messages[] = {
    {"{{.Env.NOPE}}", "flag:1:3: <.Env.NOPE>: there is no NOPE"},
    {"x\n  {{.Git.Sha}}", "flag:2:5: <.Git.Sha>: there is no Sha"},
    {"{{.Date.X}}", "flag:1:3: <.Date.X>: can't evaluate field X in type string"},
    {"{{nofunc 1}}", "flag:1:3: function nofunc not defined"},
    {"{{if .Env.FOO}}x", "flag:1:3: {{if}} without {{end}}"},
    {"a{{.Env.FOO", "flag:1:2: unclosed action"},
    {"{{ne 1 2 3}}", "flag:1:3: wrong number of args for ne: want 2 got 3"},
    {"{{eq 1 \"1\"}}", "flag:1:3: eq: incompatible types for comparison: int and string"},
};
/* clang-format on */

static const char *const git_names[] = {"Branch", "Tag", NULL};

static koc__tvalue text(const char *s)
{
    return (koc__tvalue){KOC__T_STRING, 0, koc__str(s), NULL};
}

static int get_env(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                   koc_error **err)
{
    static const char *const env[][2] = {
        {"FOO", "bar"}, {"EMPTY", ""}, {"V", "1.2.3"}, {"LDFLAGS", ""}};
    (void)self, (void)err;
    *found = false;
    for (size_t i = 0; i < KOC__COUNT(env); i++) {
        if (koc__str_is(key, env[i][0])) {
            *found = true;
            *out = text(env[i][1]);
        }
    }
    return KOC_OK;
}

static int get_git(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                   koc_error **err)
{
    static const char *const strings[][2] = {
        {"Branch", "main"},         {"Tag", "v1.0.0"},
        {"ShortCommit", "abc1234"}, {"FullCommit", "abc1234def"},
        {"TreeState", "clean"},     {"CommitDate", "2023-11-14T22:13:20Z"}};
    (void)self, (void)err;
    *found = true;
    for (size_t i = 0; i < KOC__COUNT(strings); i++) {
        if (koc__str_is(key, strings[i][0])) {
            *out = text(strings[i][1]);
            return KOC_OK;
        }
    }
    if (koc__str_is(key, "CommitTimestamp")) {
        *out = (koc__tvalue){KOC__T_INT, 1700000000, {0}, NULL};
    } else if (koc__str_is(key, "IsDirty") || koc__str_is(key, "IsClean")) {
        *out = (koc__tvalue){KOC__T_BOOL, koc__str_is(key, "IsClean"), {0}, NULL};
    } else {
        *found = false;
    }
    return KOC_OK;
}

static const koc__tmap env_map = {get_env, NULL, true, NULL};
static const koc__tmap git_map = {get_git, NULL, false, git_names};

static int get_root(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                    koc_error **err)
{
    (void)self, (void)err;
    *found = true;
    if (koc__str_is(key, "Env") || koc__str_is(key, "Git")) {
        *out = (koc__tvalue){KOC__T_MAP, 0, {0}, key.ptr[0] == 'E' ? &env_map : &git_map};
    } else if (koc__str_is(key, "Date")) {
        *out = text("2023-11-14T22:13:20Z");
    } else if (koc__str_is(key, "Timestamp")) {
        *out = (koc__tvalue){KOC__T_INT, 1700000000, {0}, NULL};
    } else {
        *found = false;
    }
    return KOC_OK;
}

static const koc__tmap root = {get_root, NULL, false, NULL};

/* A map whose keys are known, as those of Env and Git are in a build. */
static int get_listed(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                      koc_error **err)
{
    (void)self, (void)err;
    *found = koc__str_is(key, "b") || koc__str_is(key, "a") || koc__str_is(key, "c");
    *out = key.ptr[0] == 'c' ? (koc__tvalue){KOC__T_INT, 7, {0}, NULL}
                             : text(key.ptr[0] == 'a' ? "1" : "");
    return KOC_OK;
}

static int list_keys(const koc__tmap *self, koc_strlist *out, koc_error **err)
{
    (void)self;
    KOC__TRY(koc__strlist_add(out, "b", err));
    KOC__TRY(koc__strlist_add(out, "a", err));
    return koc__strlist_add(out, "c", err);
}

static const char *const listed_names[] = {"c", "b", "a", NULL};

/* As Go prints, counts and ranges over map[string]any{"a": "1", "b": "", "c": 7}. */
KOC_TEST(template_maps_are_in_order_of_their_keys)
{
    static const char *const table[][2] = {
        {"{{.}}", "map[a:1 b: c:7]"},
        {"{{print . .a}} {{print . .c}}", "map[a:1 b: c:7]1 map[a:1 b: c:7] 7"},
        {"{{range .}}<{{.}}>{{end}}", "<1><><7>"},
        {"{{range $v := .}}<{{$v}}>{{end}}", "<1><><7>"},
        {"{{range $k, $v := .}}{{$k}}={{$v}};{{end}}", "a=1;b=;c=7;"},
        {"{{range $k, $v := .}}{{if eq $k \"b\"}}{{break}}{{end}}{{$k}}{{end}}", "a"},
        {"{{range $k, $v := .}}{{if eq $k \"b\"}}{{continue}}{{end}}{{$k}}{{end}}", "ac"},
        {"{{range $k, $v := .}}x{{else}}none{{end}}", "xxx"},
        {"{{$k := 0}}{{range $k, $v := .}}{{end}}{{$k}}", "0"},
        {"{{$k := 0}}{{$v := 0}}{{range $k, $v = .}}{{end}}{{$k}}{{$v}}", "c7"},
    };
    const koc__tmap maps[] = {{get_listed, NULL, false, NULL, list_keys},
                              {get_listed, NULL, false, listed_names, NULL}};
    for (size_t m = 0; m < KOC__COUNT(maps); m++) {
        for (size_t i = 0; i < KOC__COUNT(table); i++) {
            KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
            KOC__AUTO(koc_error) err = NULL;
            if (koc__template_render(table[i][0], "flag", &maps[m], &out, &err) != KOC_OK) {
                fail_msg("%s: %s", table[i][0], koc_error_message(err));
            }
            assert_string_equal(koc__dynbuf_cstr(&out), table[i][1]);
        }
    }
}

static int render(const char *source, koc__dynbuf *out, koc_error **err)
{
    return koc__template_render(source, "flag", &root, out, err);
}

KOC_TEST(template_gives_what_go_gives)
{
    for (size_t i = 0; i < KOC__COUNT(works); i++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
        koc_error *err = NULL;
        if (render(works[i].source, &out, &err) != KOC_OK) {
            fail_msg("%s: %s", works[i].source, koc_error_message(err));
        }
        assert_string_equal(koc__dynbuf_cstr(&out), works[i].text);
    }
}

KOC_TEST(template_refuses_what_go_refuses)
{
    for (size_t i = 0; i < KOC__COUNT(refused_by_go); i++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
        koc_error *err = NULL;
        if (render(refused_by_go[i], &out, &err) == KOC_OK) {
            fail_msg("%s: gave \"%s\"", refused_by_go[i], koc__dynbuf_cstr(&out));
        }
        assert_int_equal(koc_error_code(err), KOC_EINVAL);
        assert_memory_equal(koc_error_message(err), "flag:", 5);
        koc_error_free(err);
    }
}

KOC_TEST(template_names_what_is_left_out)
{
    for (size_t i = 0; i < KOC__COUNT(left_out); i++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
        koc_error *err = NULL;
        if (render(left_out[i].source, &out, &err) == KOC_OK) {
            fail_msg("%s: gave \"%s\"", left_out[i].source, koc__dynbuf_cstr(&out));
        }
        if (!strstr(koc_error_message(err), left_out[i].named)) {
            fail_msg("%s: %s", left_out[i].source, koc_error_message(err));
        }
        koc_error_free(err);
    }
}

KOC_TEST(template_messages_have_a_place)
{
    for (size_t i = 0; i < KOC__COUNT(messages); i++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
        koc_error *err = NULL;
        assert_int_equal(render(messages[i].source, &out, &err), KOC_EINVAL);
        assert_string_equal(koc_error_message(err), messages[i].message);
        koc_error_free(err);
    }
}

KOC_TEST(template_hints_at_the_keys_of_a_fixed_map)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
    koc_error *err = NULL;
    assert_int_equal(render("{{.Git.Sha}}", &out, &err), KOC_EINVAL);
    assert_string_equal(koc_error_hint(err), "there are .Branch, .Tag");
    koc_error_free(err);
}

KOC_TEST(template_nesting_ends)
{
    KOC__AUTO_VAL(koc__dynbuf) deep = KOC__DYNBUF_INIT(1 << 20);
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
    koc_error *err = NULL;
    assert_int_equal(koc__dynbuf_puts(&deep, "{{", NULL), KOC_OK);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(koc__dynbuf_putc(&deep, '(', NULL), KOC_OK);
    }
    assert_int_equal(render(koc__dynbuf_cstr(&deep), &out, &err), KOC_EINVAL);
    koc_error_free(err);
    err = NULL;
    koc__dynbuf_clear(&deep);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(koc__dynbuf_puts(&deep, "{{if 1}}", NULL), KOC_OK);
    }
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(koc__dynbuf_puts(&deep, "{{end}}", NULL), KOC_OK);
    }
    assert_int_equal(render(koc__dynbuf_cstr(&deep), &out, &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "nested"));
    koc_error_free(err);
}

/* The source is text, repeated n times, between two others; it renders, or fails with words. */
static void repeated(const char *before, const char *text, int n, const char *after, koc_code code,
                     const char *words)
{
    KOC__AUTO_VAL(koc__dynbuf) source = KOC__DYNBUF_INIT(4 << 20);
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
    KOC__AUTO(koc_error) err = NULL;
    assert_int_equal(koc__dynbuf_puts(&source, before, NULL), KOC_OK);
    for (int i = 0; i < n; i++) {
        assert_int_equal(koc__dynbuf_puts(&source, text, NULL), KOC_OK);
    }
    assert_int_equal(koc__dynbuf_puts(&source, after, NULL), KOC_OK);
    int rc = render(koc__dynbuf_cstr(&source), &out, &err);
    if (rc != code || (words && !strstr(koc_error_message(err), words))) {
        fail_msg("%d times %s: %s %s", n, text, koc_code_name(rc),
                 err ? koc_error_message(err) : "");
    }
}

/* A template is of a repository that koc did not write: it ends, whatever it says. */
KOC_TEST(template_limits_hold)
{
    repeated("", "{{$x := 1}}", 511, "", KOC_OK, NULL); /* and $ */
    repeated("", "{{$x := 1}}", 512, "", KOC_EINVAL, "more than 512 variables");
    repeated("{{define \"r\"}}{{template \"r\"}}{{end}}", "", 0, "{{template \"r\"}}", KOC_EINVAL,
             "templates nested more than 100 deep");
    repeated("", "{{range 99999}}{{end}}", 10, "", KOC_OK, NULL); /* each is a step itself */
    repeated("x", "{{range 99999}}{{end}}", 10, "", KOC_EINVAL, "takes more than 1000000 steps");
    repeated("{{1}}", "x", (1 << 20) - 5, "", KOC_OK, NULL);
    repeated("{{1}}", "x", (1 << 20) - 4, "", KOC_ELIMIT, "template of more than 1048576 bytes");
    repeated("", "{{1}}", 200000, "", KOC_ENOMEM, "template: needs more than 16 MiB");
}

KOC_TEST(template_survives_out_of_memory)
{
    static const char source[] =
        "{{$x := .Env.FOO}}{{if eq $x \"bar\"}}{{printf \"%s-%q\" $x \"\\n\"}}{{end}}";
    for (uint64_t n = 1; n < 200; n++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
        koc__alloc_fail_after(n);
        int rc = render(source, &out, NULL);
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            assert_string_equal(koc__dynbuf_cstr(&out), "bar-\"\\n\"");
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
    }
    fail_msg("never enough memory");
}

KOC_TEST(template_survives_any_cut)
{
    static const char source[] = "a{{- /* c */ -}} {{if $x := (index . \"Env\").FOO | printf "
                                 "\"%-5q\"}}{{$x}}{{else if not 1}}{{'a'}}{{end}} `x`";
    char cut[sizeof(source)];
    for (size_t from = 0; from < sizeof(source); from++) {
        for (size_t to = from; to < sizeof(source); to++) {
            KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 20);
            memcpy(cut, source + from, to - from);
            cut[to - from] = '\0';
            int rc = render(cut, &out, NULL);
            assert_true(rc == KOC_OK || rc == KOC_EINVAL);
        }
    }
}
