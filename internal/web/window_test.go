package web_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// shots is a folder for pictures of every page that the tests of the browser come to.
var shots = flag.String("shots", "", "write pictures of the pages into this `FOLDER`")

// chromium is a browser that all tests share; an empty error says that there is none on a developer's machine.
var chromium = sync.OnceValues(func() (context.Context, error) {
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		fmt.Println("The tests of the page in a browser are left out: there is no Chromium here. Debian's package is called chromium.")
		return nil, fmt.Errorf("there is no Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en"))
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	return ctx, chromedp.Do(ctx)
})

// axe is the source of axe-core, which judges whether a page can be used by everybody; AXE names its file.
var axe = sync.OnceValues(func() (string, error) {
	b, err := os.ReadFile(os.Getenv("AXE"))
	return string(b), err
})

// window is a browser's window of one person. It watches what must not happen on any page: a dialog, a script that
// broke, something that the policy of the page has kept out.
type window struct {
	*client
	ctx  context.Context
	mu   sync.Mutex
	fled []string
}

// window opens one in which the same person is signed in.
func (c *client) window() *window {
	c.t.Helper()
	parent, err := chromium()
	switch {
	case err != nil && os.Getenv("CI") != "":
		c.t.Fatal(err)
	case parent == nil:
		c.t.Skip(err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	if end, ok := c.t.Deadline(); ok { // it says what it has waited for before the test ends
		ctx, cancel = context.WithDeadline(ctx, end.Add(-10*time.Second))
	}
	c.t.Cleanup(cancel)
	w := &window{client: c, ctx: ctx}
	w.must(chromedp.Do(ctx))
	w.must(chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *cdppage.EventJavascriptDialogOpening:
			if e.Type != cdppage.DialogTypeBeforeunload {
				w.happened("a dialog: " + e.Message)
			}
			go chromedp.Call(ctx, cdppage.HandleJavaScriptDialog, cdppage.HandleJavaScriptDialogParams{Accept: true})
		case *runtime.EventExceptionThrown:
			w.happened("a script broke: " + e.ExceptionDetails.Text)
		}
	}))
	c.t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, what := range w.fled {
			c.t.Error(what)
		}
	})
	if c.session() != "" {
		_, err = chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: c.h.server.CookieName(), Value: c.session(), URL: c.h.url.String()})
		w.must(err)
	}
	return w
}

func (w *window) happened(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fled = append(w.fled, what)
}

func (w *window) must(err error) {
	w.t.Helper()
	if err != nil {
		where, _ := chromedp.Run(context.WithoutCancel(w.ctx), chromedp.Evaluate[string]("location.href"))
		w.t.Fatalf("%v, at %s", err, where)
	}
}

func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	w.must(chromedp.Do(w.ctx, steps...))
}

// eval gives the value of an expression on the page.
func eval[T any](w *window, expression string) T {
	w.t.Helper()
	v, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		w.must(fmt.Errorf("%s: %w", expression, err))
	}
	return v
}

// until waits until an expression is true on the page, however often that is another one.
func (w *window) until(expression string) {
	w.t.Helper()
	for {
		yes, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && yes {
			return
		}
		if w.ctx.Err() != nil {
			w.t.Fatalf("it never came to %s: %v", expression, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// at opens a page of ours.
func (w *window) at(path string) {
	w.t.Helper()
	w.do(chromedp.Navigate(w.h.url.String() + path))
}

// path is where the window is.
func (w *window) path() string { return eval[string](w, "location.pathname") }

// press presses keys, as on a keyboard.
func (w *window) press(keys string, modifiers ...chromedp.Modifier) {
	w.t.Helper()
	w.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// tab goes from element to element by the tab key alone, until one matches a selector.
func (w *window) tab(selector string) {
	w.t.Helper()
	for range 200 {
		w.press(kb.Tab)
		if eval[bool](w, fmt.Sprintf("!!document.activeElement && document.activeElement.matches(%q)", selector)) {
			if eval[bool](w, `(() => { const r = document.activeElement.getBoundingClientRect(), x = r.left + Math.min(r.width, innerWidth) / 2, y = r.top + r.height / 2;
				const e = document.elementFromPoint(x, y); return r.width > 0 && !!e && !document.activeElement.contains(e) && !e.contains(document.activeElement) })()`) {
				w.t.Errorf("%s is hidden by something else when it has the focus", selector)
			}
			return
		}
	}
	w.t.Fatalf("the tab key never comes to %s at %s", selector, w.path())
}

// choose goes to an element by the keyboard, and presses Enter.
func (w *window) choose(selector string) {
	w.t.Helper()
	w.tab(selector)
	w.press(kb.Enter)
}

// typed replaces what is in the field that has the focus.
func (w *window) typed(text string) {
	w.t.Helper()
	w.press("a", chromedp.ModifierCtrl)
	w.press(kb.Backspace)
	w.press(text)
}

// looked holds the page to what everybody may expect of it: axe finds nothing, it fits into 320 pixels, and it says
// what is on it in its title and one heading. With -shots it takes pictures of it.
func (w *window) looked(name string) {
	w.t.Helper()
	w.until("document.readyState == 'complete'")
	if n := eval[int](w, "document.querySelectorAll('h1').length"); n != 1 {
		w.t.Errorf("%s has %d headings", name, n)
	}
	w.judged(name)
	for _, wide := range []int64{320, 1280} {
		for _, colours := range []string{"dark", "light"} {
			w.do(chromedp.EmulateViewport(wide, 900))
			_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}},
			})
			w.must(err)
			if wide == 320 && colours == "dark" {
				if over := eval[int](w, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
					w.t.Errorf("%s is %d pixels too wide for a small screen: %s", name, over, eval[string](w, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll")).map(e => e.tagName + "." + e.className).slice(0, 5).join(" ")`))
				}
				w.judged(name + ", small and dark")
			}
			if *shots != "" {
				picture, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
				w.must(err)
				w.must(os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%d-%s.png", strings.ReplaceAll(name, " ", "-"), wide, colours)), picture, 0o600))
			}
		}
	}
}

// judged asks axe.
func (w *window) judged(name string) {
	w.t.Helper()
	source, err := axe()
	switch {
	case err != nil && os.Getenv("CI") != "":
		w.t.Fatalf("axe-core is not here: %v", err)
	case err != nil:
		return
	}
	w.do(chromedp.Evaluate[chromedp.Void]("if (!window.axe) {" + source + "}"))
	found, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html)}))))`, chromedp.EvalAwaitPromise))
	w.must(err)
	var all []struct {
		ID, Help string
		Nodes    []string
	}
	w.must(json.Unmarshal([]byte(found), &all))
	for _, v := range all {
		w.t.Errorf("%s: %s: %s\n\t%s", name, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

// file brings a file by the form of the first page.
func (w *window) file(name, text string) (upload string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	w.must(os.WriteFile(path, []byte(text), 0o600))
	w.at("/")
	w.do(chromedp.SetUploadFiles("#file", []string{path}))
	w.choose(".bring form button:not(.plain)")
	w.until("location.pathname.startsWith('/uploads/')")
	parts := strings.Split(w.path(), "/")
	return "/uploads/" + parts[2]
}

// pasted pastes a text into what has the focus.
func (w *window) pasted(text string) {
	w.t.Helper()
	quoted, err := json.Marshal(text)
	w.must(err)
	w.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const data = new DataTransfer(); data.setData("text/plain", %s);
		(document.activeElement ?? document.body).dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})) })()`, quoted)))
}
