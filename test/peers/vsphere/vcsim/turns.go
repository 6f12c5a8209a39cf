package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// One call after the other. The simulator locks the object that is called, and none of the others that the call changes:
// of two at once one reads a map that the other writes, or removes a machine that the other is still cloning, and either
// ends the process. So each call has the simulator to itself until the tasks that it began have ended.
type turns struct {
	turn sync.Mutex
	// Guards what follows.
	noting sync.Mutex
	begun  []*simulator.Task
}

var oneByOne = new(turns)

// Alone runs what reads or changes the simulator's objects past its API.
func (t *turns) alone(work func()) {
	t.turn.Lock()
	defer t.turn.Unlock()
	work()
}

func (t *turns) serve(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isCall(r) {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		// Who waits for updates would keep all others from making any.
		if bytes.Contains(body, []byte("WaitForUpdates")) {
			next.ServeHTTP(w, r)
			return
		}
		t.turn.Lock()
		// The answer does not wait for what it names.
		defer func() {
			go func() {
				t.settle()
				t.turn.Unlock()
			}()
		}()
		next.ServeHTTP(w, r)
	})
}

// The vSphere API and its sisters; what else there is to POST calls those in its turn.
func isCall(r *http.Request) bool {
	return r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/sdk") || r.URL.Path == "/pbm")
}

// Settle waits for the tasks that were begun, and for those that they begin.
func (t *turns) settle() {
	for {
		t.noting.Lock()
		tasks := t.begun
		t.begun = nil
		t.noting.Unlock()
		if len(tasks) == 0 {
			return
		}
		for _, task := range tasks {
			task.Wait()
		}
	}
}

// The registry tells it of what is put there.
func (t *turns) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "PlimsollTurns", Value: "turns"}
}

func (t *turns) PutObject(_ *simulator.Context, object mo.Reference) {
	if task, ok := object.(*simulator.Task); ok {
		t.noting.Lock()
		t.begun = append(t.begun, task)
		t.noting.Unlock()
	}
}

func (t *turns) UpdateObject(*simulator.Context, mo.Reference, []types.PropertyChange) {}

func (t *turns) RemoveObject(*simulator.Context, types.ManagedObjectReference) {}
