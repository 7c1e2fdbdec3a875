// Package queue sends runs by the workers of several machines. [Submit] hands a run over, in chunks of rows; a [Worker]
// is a process that takes chunks as River, the queue in the same database, gives them out; [Conductor] decides about a
// run as a whole, whoever calls it: one at a time of all processes that look, by the state that the last one has left.
//
// The ledger is the truth here too. A chunk stays until each of its rows has an outcome, whatever becomes of the job
// that stands for it in River, which only wakes somebody. So a job may be lost, doubled or deleted without harm, and a
// chunk may be sent by one process after another: what one has claimed, the next finds.
package queue
