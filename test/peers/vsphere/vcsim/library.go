package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	_ "github.com/vmware/govmomi/vapi/simulator"
)

const deployPath = "/rest/com/vmware/vcenter/ovf/library-item/"

// The simulator deploys packages of content libraries, but drops the notes that came with the call; they are kept here.
func init() {
	simulator.RegisterEndpoint(func(service *simulator.Service, registry *simulator.Registry) {
		if !registry.IsVPX() {
			return
		}
		libraries, _ := service.ServeMux.Handler(&http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/rest/"}})
		service.Handle(deployPath, withNotes(libraries, registry))
	})
}

func withNotes(libraries http.Handler, registry *simulator.Registry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		libraries.ServeHTTP(answer, r)

		var asked struct {
			Spec struct {
				Annotation string `json:"annotation"`
			} `json:"deployment_spec"`
		}
		var made struct {
			Value struct {
				Resource struct {
					ID string `json:"id"`
				} `json:"resource_id"`
			} `json:"value"`
		}
		_ = json.Unmarshal(body, &asked)
		_ = json.Unmarshal(answer.Body.Bytes(), &made)
		ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: made.Value.Resource.ID}
		if vm, ok := registry.Get(ref).(*simulator.VirtualMachine); ok {
			oneByOne.alone(func() { vm.Config.Annotation = asked.Spec.Annotation })
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}
