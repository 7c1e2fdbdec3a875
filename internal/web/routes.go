package web

import "net/http"

// route is a path that is answered. Unless it is open, nobody gets there who is not signed in.
type route struct {
	pattern string
	do      func(*call) error
	open    bool
	stream  bool // it reads its body itself
	quiet   bool // a page asks it by itself, so that it keeps nobody signed in
}

func (s *Server) allRoutes() []route {
	return []route{
		{pattern: "GET /static/{file}", do: (*call).static, open: true},
		{pattern: "GET /healthz", do: (*call).health, open: true},
		{pattern: "POST /language", do: (*call).setLanguage, open: true},
		{pattern: "GET /help", do: (*call).help, open: true},

		{pattern: "GET /sign-in", do: (*call).showSignIn, open: true},
		{pattern: "POST /sign-in", do: (*call).doSignIn, open: true},
		{pattern: "GET /sign-in/provider", do: (*call).toProvider, open: true},
		{pattern: "GET /sign-in/return", do: (*call).fromProvider, open: true},
		{pattern: "GET /invitation/{token}", do: (*call).showInvitation, open: true},
		{pattern: "POST /invitation/{token}", do: (*call).accept, open: true},
		{pattern: "POST /sign-out", do: (*call).signOut},

		{pattern: "GET /{$}", do: (*call).home},
		{pattern: "POST /uploads", do: (*call).bring, stream: true},
		{pattern: "POST /sample", do: (*call).bringSample},
		{pattern: "GET /sample.csv", do: (*call).sample},
		{pattern: "GET /template.xlsx", do: (*call).template},

		{pattern: "GET /uploads/{id}", do: (*call).upload},
		{pattern: "GET /uploads/{id}/reading", do: (*call).showReading},
		{pattern: "POST /uploads/{id}/reading", do: (*call).read},
		{pattern: "GET /uploads/{id}/problems", do: (*call).showProblems},
		{pattern: "POST /uploads/{id}/cells", do: (*call).mend},
		{pattern: "POST /uploads/{id}/paste", do: (*call).paste},
		{pattern: "POST /uploads/{id}/undo", do: (*call).undo},
		{pattern: "GET /uploads/{id}/checked.csv", do: (*call).checkedCSV},
		{pattern: "GET /uploads/{id}/checked.xlsx", do: (*call).checkedXLSX},
		{pattern: "GET /uploads/{id}/preview", do: (*call).showPreview},
		{pattern: "POST /uploads/{id}/ask", do: (*call).ask},
		{pattern: "GET /uploads/{id}/approval", do: (*call).showApproval},
		{pattern: "POST /uploads/{id}/approve", do: (*call).approve},
		{pattern: "POST /uploads/{id}/send-back", do: (*call).sendBack},
		{pattern: "POST /uploads/{id}/withdraw", do: (*call).withdraw},
		{pattern: "GET /uploads/{id}/progress", do: (*call).showProgress},
		{pattern: "GET /uploads/{id}/progress.json", do: (*call).progressNow, quiet: true},
		{pattern: "GET /uploads/{id}/events", do: (*call).events, quiet: true},
		{pattern: "POST /uploads/{id}/stop", do: (*call).stop},
		{pattern: "POST /uploads/{id}/go-on", do: (*call).goOn},
		{pattern: "POST /uploads/{id}/answer", do: (*call).answer},
		{pattern: "GET /uploads/{id}/rows", do: (*call).showRows},
		{pattern: "GET /uploads/{id}/report.csv", do: (*call).reportCSV},
		{pattern: "GET /uploads/{id}/report.xlsx", do: (*call).reportXLSX},
		{pattern: "POST /uploads/{id}/settle", do: (*call).settle},
		{pattern: "POST /uploads/{id}/reopen", do: (*call).reopen},
		{pattern: "POST /uploads/{id}/delete", do: (*call).remove},
		{pattern: "GET /uploads/{id}/audit", do: (*call).showTrail},

		{pattern: "GET /lists", do: (*call).showLists},
		{pattern: "POST /lists", do: (*call).bringList, stream: true},
		{pattern: "POST /lists/{id}/remove", do: (*call).removeList},
		{pattern: "GET /audit", do: (*call).showAudit},
		{pattern: "GET /people", do: (*call).showPeople},
		{pattern: "POST /people", do: (*call).invite},
		{pattern: "POST /people/{id}/roles", do: (*call).giveRoles},
		{pattern: "POST /people/{id}/invitation", do: (*call).reinvite},
		{pattern: "POST /people/{id}/disable", do: (*call).disable},
		{pattern: "GET /me", do: (*call).showMe},
		{pattern: "POST /me/sessions/{id}", do: (*call).endSession},
	}
}

// health says that the server answers, for whatever watches it.
func (c *call) health() error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := c.w.Write([]byte("ok\n"))
	return err
}

// help shows the help page.
func (c *call) help() error {
	v := struct {
		view
		Text []block
	}{c.view(c.say.T("Help")), markdown(c.Help)}
	return c.render("help", http.StatusOK, v)
}
