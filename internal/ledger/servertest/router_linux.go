package servertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// onOwnNetwork has a command run on a network that nobody else is on.
func onOwnNetwork(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
}

// ways are how many ways a router has.
const ways = 3

// Router lies between this process and a server of its own on another network, and passes on what is sent there by
// several ways, or swallows it: packets go, and nobody is told. It needs a network of this process's own too, on which
// it may do as it likes (see [Networked]).
type Router struct {
	*Postgres
	passes *exec.Cmd // a process on the router's network
}

// NewRouter makes a router and the server behind it, which end with the test. A kernel that lets nobody make networks, as
// in some containers, ends the test as skipped.
func NewRouter(t testing.TB) *Router {
	t.Helper()
	try := exec.Command("sh", "-c", "ip link set lo up && ip link add tried type veth peer name other && ip link del tried")
	onOwnNetwork(try)
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("no network can be made here: %v: %s", err, out)
	}
	r := &Router{Postgres: own(t, true), passes: exec.Command("sleep", "3600")}
	onOwnNetwork(r.passes)
	if err := r.passes.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.passes.Process.Kill()
		r.passes.Wait()
	})
	here, router, server := os.Getpid(), r.passes.Process.Pid, r.server.Process.Pid
	do := func(pid int, command string) {
		t.Helper()
		on(t, pid, strings.Fields(command)...)
	}
	do(here, "ip link set lo up")
	do(here, fmt.Sprint("ip link add near type veth peer name near netns ", router))
	do(here, "ip addr add 10.99.1.1/24 dev near")
	do(here, "ip link set near up")
	do(router, fmt.Sprint("ip link add far type veth peer name far netns ", server))
	do(router, "ip addr add 10.99.1.2/24 dev near")
	do(router, "ip addr add 10.99.2.1/24 dev far")
	do(router, "ip link set near up")
	do(router, "ip link set far up")
	do(router, "ip route add 10.99.0.0/24 via 10.99.2.2")
	on(t, router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
	do(server, "ip link set lo up")
	for n := range ways {
		do(server, "ip addr add "+r.address(n)+"/32 dev lo")
	}
	do(server, "ip addr add 10.99.2.2/24 dev far")
	do(server, "ip link set far up")
	do(server, "ip route add default via 10.99.2.1")
	do(here, "ip route add 10.99.0.0/24 via 10.99.1.2")
	r.admit(t)
	return r
}

// admit lets everybody on the networks use the server.
func (r *Router) admit(t testing.TB) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(r.Data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("host all all 10.99.0.0/16 trust\n")
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Exec(t, "postgres", "SELECT pg_reload_conf()")
}

// on runs a command on the network of a process.
func on(t testing.TB, pid int, command ...string) {
	t.Helper()
	cmd := exec.Command("nsenter", append([]string{"--net", "--target", strconv.Itoa(pid)}, command...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(command, " "), err, out)
	}
}

func (r *Router) address(way int) string { return fmt.Sprintf("10.99.0.%d", 1+way) }

// By is the address of a database by one of the ways.
func (r *Router) By(way int, database string) string {
	before, _, _ := strings.Cut(database, "?")
	return strings.Replace(before, "@/", "@"+r.address(way)+":5432/", 1) + "?sslmode=disable"
}

// Swallow has the router swallow what goes to the server by a way, and what comes from it, or pass it on.
func (r *Router) Swallow(t testing.TB, way int, to, from bool) {
	t.Helper()
	for direction, swallowed := range map[string]bool{"to": to, "from": from} {
		exec.Command("nsenter", "--net", "--target", strconv.Itoa(r.passes.Process.Pid), "ip", "rule", "del", direction, r.address(way), "blackhole").Run() // if it is there
		if swallowed {
			on(t, r.passes.Process.Pid, "ip", "rule", "add", direction, r.address(way), "pref", "10", "blackhole")
		}
	}
}

// Networked prepares a command that runs on a network of its own, on which it may do as it likes. The second has the
// rights that this takes of a namespace of users, for who is not root.
func Networked(name string, args ...string) []*exec.Cmd {
	const (
		capNetAdmin = 12
		capSysAdmin = 21
	)
	root, user := exec.Command(name, args...), exec.Command(name, args...)
	onOwnNetwork(root)
	onOwnNetwork(user)
	user.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	user.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
	user.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	user.SysProcAttr.AmbientCaps = []uintptr{capNetAdmin, capSysAdmin}
	return []*exec.Cmd{root, user}
}
