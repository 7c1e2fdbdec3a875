// Package campaign takes files to reports: it opens them, checks every row, has somebody confirm, begins a
// run for each file, sends what is due, reports every row and puts the files away. Start at Run; Check
// stops before anything is sent, and Again reports on a run once more.
//
// It knows no command line, no terminal, no exit code and no process: who is asked, who is told and who
// makes the calls are ports, so that a command, a page and a worker are skins over one way.
package campaign
