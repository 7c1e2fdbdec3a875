package desk

import "testing"

// TestStates tries every action in every state.
func TestStates(t *testing.T) {
	const no = State("")
	for from, row := range map[State][11]State{
		//         Change Ask      Agree    Approve   SendBack Lapse  Start    Halt     Finish Reopen   Delete
		Draft:    {Draft, Waiting, no, no, no, Draft, no, no, no, no, Deleted},
		Waiting:  {Draft, no, Waiting, Approved, Draft, Draft, no, no, no, no, Deleted},
		Approved: {Draft, no, no, no, Draft, Draft, Running, no, no, no, Deleted},
		Running:  {no, no, no, no, no, no, no, Stopped, Done, no, no},
		Stopped:  {Draft, no, no, no, Draft, Draft, Running, no, no, Draft, Deleted},
		Done:     {Draft, no, no, no, no, Draft, Running, no, no, Draft, Deleted},
		Deleted:  {no, no, no, no, no, no, no, no, no, no, no},
	} {
		for i, a := range Actions() {
			to, err := from.after(a)
			switch want := row[i]; {
			case want == no && (err == nil || to != from):
				t.Errorf("%s in %s leads to %s", a, from, to)
			case want != no && (err != nil || to != want):
				t.Errorf("%s in %s leads to %s, %v; want %s", a, from, to, err, want)
			}
		}
	}
	want := []Action{Change, Ask, Agree, Approve, SendBack, Lapse, Start, Halt, Finish, Reopen, Delete}
	if len(Actions()) != len(want) || len(States()) != 7 {
		t.Fatalf("the table is not of all states and actions")
	}
	for i, a := range Actions() {
		if a != want[i] {
			t.Errorf("column %d is of %s, not %s", i, a, want[i])
		}
	}
}
