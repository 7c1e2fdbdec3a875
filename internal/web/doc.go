// Package web is the page on which people without a command line bring a spreadsheet, mend it, have it approved,
// and see it sent. It is a skin over internal/desk: it decides nothing.
//
// Start at routes.go. Each page has a file of its own with what it shows (a view) and what its forms do; its
// template has the same name. Every request comes through the wrapper in guard.go. A form is answered with a
// redirect, or with its page and what was wrong; a GET changes nothing. Each page works without a script;
// static/app.js makes some of them quicker.
package web
