package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// field is a field of a form as it is sent.
type field struct {
	name, value string
	file        []byte // nil for one that is no file; else value is its name
}

// form is a form of a page, that a person fills in.
type form struct {
	p        *page
	sel      *goquery.Selection
	controls []*goquery.Selection // in the order of the page
	files    map[string]field
}

// form gives a form by a CSS selector.
func (p *page) form(selector string) *form {
	p.t.Helper()
	if p.doc == nil {
		p.t.Fatalf("%s is no page: %s", p.asked.Path, p.body)
	}
	sel := p.doc.Find(selector)
	if sel.Length() != 1 || !sel.Is("form") {
		p.t.Fatalf("%s has %d forms %s: %s", p.asked.Path, sel.Length(), selector, p.gist())
	}
	f := &form{p: p, sel: sel, files: map[string]field{}}
	p.doc.Find("input, select, textarea, button").Each(func(_ int, c *goquery.Selection) {
		of, elsewhere := c.Attr("form")
		if elsewhere && of == sel.AttrOr("id", "") || !elsewhere && within(c.Nodes[0], sel.Nodes[0]) {
			f.controls = append(f.controls, c)
		}
	})
	return f
}

func within(n, outer *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == outer {
			return true
		}
	}
	return false
}

// enabled reports whether a person can use a control, and its value is sent.
func enabled(c *goquery.Selection) bool {
	_, disabled := c.Attr("disabled")
	return !disabled && c.Closest("fieldset[disabled]").Length() == 0
}

// named gives the controls with a name that a person can use.
func (f *form) named(name string) *goquery.Selection {
	f.p.t.Helper()
	found := f.p.doc.FindNodes()
	for _, c := range f.controls {
		if c.AttrOr("name", "") == name && enabled(c) && c.Nodes[0].Data != "button" {
			found = found.AddSelection(c)
		}
	}
	if found.Length() == 0 {
		f.p.t.Fatalf("%s: the form %s has no field %q", f.p.asked.Path, f.sel.AttrOr("action", ""), name)
	}
	return found
}

// set types into a field, or chooses one of what it offers.
func (f *form) set(name, value string) *form {
	f.p.t.Helper()
	c := f.named(name)
	switch {
	case c.Is("select"):
		option := c.Find("option").FilterFunction(func(_ int, o *goquery.Selection) bool { return optionValue(o) == value })
		if option.Length() == 0 {
			f.p.t.Fatalf("%s: %q is not offered for %s", f.p.asked.Path, value, name)
		}
		c.Find("option").RemoveAttr("selected")
		option.First().SetAttr("selected", "")
	case c.Is("[type=radio]"), c.Is("[type=checkbox]"):
		one := c.FilterFunction(func(_ int, o *goquery.Selection) bool { return o.AttrOr("value", "on") == value })
		if one.Length() == 0 {
			f.p.t.Fatalf("%s: %q is not offered for %s", f.p.asked.Path, value, name)
		}
		if c.Is("[type=radio]") {
			c.RemoveAttr("checked")
		}
		one.SetAttr("checked", "")
	case c.Is("textarea"):
		c.SetText(value)
	case c.Is("[type=hidden]"), c.Is("[type=file]"):
		f.p.t.Fatalf("%s: nobody can type into %s", f.p.asked.Path, name)
	default:
		c.SetAttr("value", value)
	}
	return f
}

// clear takes the tick out of a box.
func (f *form) clear(name string) *form {
	f.p.t.Helper()
	f.named(name).RemoveAttr("checked")
	return f
}

// file chooses a file.
func (f *form) file(name, of, text string) *form {
	f.p.t.Helper()
	if !f.named(name).Is("[type=file]") {
		f.p.t.Fatalf("%s takes no file", name)
	}
	f.files[name] = field{name, of, []byte(text)}
	return f
}

// value is what stands in a field.
func (f *form) value(name string) string {
	f.p.t.Helper()
	f.named(name)
	for _, one := range f.fields(nil) {
		if one.name == name {
			return one.value
		}
	}
	return ""
}

func optionValue(o *goquery.Selection) string {
	return o.AttrOr("value", strings.Join(strings.Fields(o.Text()), " "))
}

// fields are what is sent when a button is pressed: the successful controls, in order.
func (f *form) fields(button *goquery.Selection) (all []field) {
	for _, c := range f.controls {
		name := c.AttrOr("name", "")
		kind := c.AttrOr("type", "text")
		_, checked := c.Attr("checked")
		switch {
		case name == "" || !enabled(c):
		case c.Nodes[0].Data == "button" || kind == "submit":
			if c == button {
				all = append(all, field{name: name, value: c.AttrOr("value", "")})
			}
		case c.Nodes[0].Data == "select":
			options := c.Find("option")
			chosen := options.Filter("[selected]").Last()
			if chosen.Length() == 0 {
				chosen = options.First()
			}
			if chosen.Length() > 0 {
				all = append(all, field{name: name, value: optionValue(chosen)})
			}
		case c.Nodes[0].Data == "textarea":
			all = append(all, field{name: name, value: c.Text()})
		case kind == "file":
			file, ok := f.files[name]
			if !ok {
				file = field{name: name, file: []byte{}}
			}
			all = append(all, file)
		case kind == "checkbox" || kind == "radio":
			if checked {
				all = append(all, field{name: name, value: c.AttrOr("value", "on")})
			}
		case kind == "hidden":
			all = append(all, field{name: name, value: c.AttrOr("value", "")})
		default: // browsers take line ends out of what is in one line
			all = append(all, field{name: name, value: strings.NewReplacer("\r", "", "\n", "").Replace(c.AttrOr("value", ""))})
		}
	}
	lines := strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n")
	for i := range all {
		all[i].name = lines.Replace(all[i].name)
		if all[i].file == nil {
			all[i].value = lines.Replace(all[i].value)
		}
	}
	return all
}

// submit presses a button by its text, or its value; "" is the first, which is what Enter in a field presses.
func (f *form) submit(button string) *page {
	f.p.t.Helper()
	for _, c := range f.controls {
		submits := c.Nodes[0].Data == "button" && c.AttrOr("type", "submit") == "submit" || c.Is("input[type=submit]")
		if submits && enabled(c) && (strings.Contains(c.Text(), button) || c.AttrOr("value", "") == button) {
			return f.send(f.fields(c))
		}
	}
	f.p.t.Fatalf("%s: the form %s has no button %q: %s", f.p.asked.Path, f.sel.AttrOr("action", ""), button, f.p.gist())
	return nil
}

// send sends fields to where the form sends them.
func (f *form) send(fields []field) *page {
	f.p.t.Helper()
	to, err := f.p.asked.Parse(f.sel.AttrOr("action", f.p.asked.RequestURI()))
	if err != nil {
		f.p.t.Fatal(err)
	}
	if f.sel.AttrOr("enctype", "") == "multipart/form-data" {
		body, kind := multipartBody(fields)
		req := f.p.c.request(http.MethodPost, to.RequestURI(), body)
		req.Header.Set("Content-Type", kind)
		return f.p.c.do(req)
	}
	values := url.Values{}
	for _, one := range fields {
		values.Add(one.name, one.value)
	}
	if f.sel.AttrOr("method", "get") == "get" {
		return f.p.c.get(to.Path + "?" + values.Encode())
	}
	var pairs []string
	for _, one := range fields {
		pairs = append(pairs, one.name, one.value)
	}
	return f.p.c.post(to.RequestURI(), slices.Clip(pairs)...)
}
