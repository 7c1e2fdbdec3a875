// Package bench measures whole processes of the program beside their bounds. It holds benchmarks only:
//
//	go test -run '^$' -bench . -benchtime 3x -timeout 3h ./internal/bench                 everything, at full size
//	go test -run '^$' -bench Run -benchtime 3x ./internal/bench -rows 20000               one, smaller
//	go test -run '^$' -bench InProcess -benchtime 1x -cpuprofile run.prof ./internal/bench   where its time goes
//
// Each iteration starts the real binary anew, and in the same iteration the bound that it is held
// against, so that a change in the machine's load meets both alike; medians over the iterations are
// shown. What one package does alone is measured in that package. The ledger keeps its full durability,
// so the temporary folder (TMPDIR) has to be on a real disk.
package bench
