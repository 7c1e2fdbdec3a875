package web_test

import (
	"strings"
	"testing"

	"hppsend/internal/desk"
	"hppsend/internal/web"
)

// TestPeople invites somebody, gives roles, keeps out and lets in again.
func TestPeople(t *testing.T) {
	t.Parallel()
	h := newHouse(t, north, south)
	adam := h.personIn("Adam", map[string][]desk.Role{north: {desk.Administrator}, south: {desk.Administrator}})
	p := adam.get("/people").is(200).form("form[action='/people']").set("login", "ivy@example.org").set("name", "Ivy").set("account", south).
		set("role", "uploader").set("role", "viewer").submit("Make an invitation").is(200)
	p.says("The invitation for ivy@example.org.", "invited")
	link := strings.TrimPrefix(p.doc.Find("input[readonly]").AttrOr("value", ""), h.url.String())
	h.secret(strings.TrimPrefix(link, "/invitation/"), password)
	id := personID(t, adam, "Ivy")
	roles := func() (all []string) {
		for _, one := range adam.get("/people").form("form[action='/people/" + id + "/roles']:has(input[value=south])").fields(nil) {
			all = append(all, one.value)
		}
		return all
	}
	if got := strings.Join(roles(), " "); got != "south viewer uploader" {
		t.Errorf("Ivy is %s", got)
	}
	adam.get("/people").form("form[action='/people']").set("login", "IVY@example.org").set("account", south).set("role", "settler").submit("").is(409)
	if got := strings.Join(roles(), " "); got != "south viewer uploader" {
		t.Errorf("Ivy is %s", got)
	}
	ivy := h.browser()
	ivy.get(link).form("form.stack").set("name", "Ivy").set("password", password).set("again", password).submit("").is(303).follow().is(200)
	h.secret(ivy.session())
	p = adam.get("/people").form("form[action='/people/"+id+"/roles']:has(input[value=south])").clear("role").set("role", "uploader").submit("Save roles").is(303).follow()
	p.says("The roles are changed. The person has to sign in again.")
	ivy.get("/").is(303)
	ivy.signIn("/", "ivy@example.org", password).is(303).follow().says("Bring a spreadsheet")
	h.secret(ivy.session())

	p = p.form("form[action='/people/"+id+"/disable']").submit("Keep out").is(303).follow().says("The person cannot sign in any more.", "kept out")
	ivy.get("/").is(303)
	ivy.signIn("/", "ivy@example.org", password).is(422)
	p = p.form("form[action='/people/" + id + "/disable']").submit("Let in again").is(303).follow().says("The person may sign in again, with a new invitation.")
	ivy.signIn("/", "ivy@example.org", password).is(422)
	p = p.form("form[action='/people/" + id + "/invitation']").submit("New invitation").is(200)
	link = strings.TrimPrefix(p.doc.Find("input[readonly]").AttrOr("value", ""), h.url.String())
	h.secret(strings.TrimPrefix(link, "/invitation/"))
	ivy.get(link).form("form.stack").set("password", password).set("again", password).submit("").is(303)
	h.secret(ivy.session())

	adam.get("/people").form("form[action='/people']").set("login", strings.Repeat("x", 99)).submit("").is(422).says("This is no login.")
	adam.post("/people", "login", "x", "account", south, "role", "king").is(422).says("is no role")
	adam.post("/people/"+adam.id+"/roles", "account", south).is(422).says("You would not be an administrator any more.")
	adam.post("/people/"+adam.id+"/disable", "disabled", "true").is(422).says("You cannot keep yourself out.")
	adam.post("/people/" + adam.id + "/invitation").is(422).says("This person signs in by https://id.example.com.")
}

// TestOnePerson goes the way of who has started the program on a machine of their own: a link, the example, and off.
func TestOnePerson(t *testing.T) {
	t.Parallel()
	h := plan{approvers: desk.Approvers{}, web: func(c *web.Config) {
		c.Local, c.Notice = true, "This is a sandbox: nothing leaves this machine."
	}}.open(t)
	id, err := h.desk.Local(t.Context())
	h.must(err)
	token, err := h.desk.Link(t.Context(), id)
	h.must(err)
	h.secret(token)
	c := h.browser()
	c.get("/").follow().is(200).says("This page is for the person who started it.", "This is a sandbox: nothing leaves this machine.")
	p := c.get("/invitation/"+token).is(200).says("Your page is ready", "This link works once, in this browser.")
	p = p.form("form.stack").submit("Open the page").is(303).follow().says("None yet.", "Bring a spreadsheet")
	h.secret(c.session())
	h.browser().get("/invitation/" + token).is(410)
	c.get("/template.xlsx").is(200).attached("template.xlsx")
	sample := c.get("/sample.csv").is(200).attached("sample.csv").body
	p = p.form("form[action='/sample']").submit("Try it with the example file").is(303).follow().at("problems").says("3 rows have problems")
	first := p.upload()
	p.click("Preview").form("form.ask").set("leave_out", "1").submit("Send 9 messages").is(303).follow()
	c.until(first, "done")
	c.get("/uploads/"+first+"/rows").says("delivered 9", "rejected 3")

	// the same file once more: it is said, and nobody gets anything twice
	_, p = c.bring("again.csv", sample)
	p.at("problems").says("The same file was here before")
	p.click("See what became of it").follow().at("rows").says("delivered 9")
	p = p.click("Preview").says("0 messages to send", "Nothing would be sent.", "There is nothing to send.", "Rows that are not sent")
	p.click("Read").at("reading").form("form[action$='/delete']").submit("Delete now").is(303).follow().says("The upload was deleted.")
	gone := p.upload()
	for _, step := range []string{"reading", "problems", "preview", "approval", "rows", "report.csv", "checked.xlsx"} {
		c.get("/uploads/" + gone + "/" + step).is(410).says("This upload was deleted.").hides("again.csv")
	}
	c.get("/uploads/"+gone).follow().at("audit").says("The upload was deleted, on", "delete").hides("again.csv")
	c.get("/uploads/" + first + "/rows").form("form[action$='/delete']").submit("Delete now").is(303)
	c.get("/").says("(deleted)")
	c.get("/?state=done").says("None yet.")
	c.get("/me").is(200)
	c.get("/audit").is(200).says("delete", "sign_in", "You")
	c.get("/help").is(200).says("hppsend serve")
}
