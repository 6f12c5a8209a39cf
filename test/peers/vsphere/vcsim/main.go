// A vCenter for tests: govmomi's simulator with the model that the adapter's cases need, on loopback.
//
// What the simulator leaves out of first-class disks is added here, over its own objects: metadata given to
// CreateDisk_Task is kept, CreateDiskFromSnapshot_Task exists, and AttachDisk_Task shows the disk as a device of the
// virtual machine. InstantClone_Task is there without the memory, AcquireTicket without a screen. `POST /faults` adds a
// rule of the simulator's own fault injection, `DELETE /faults` takes all away; `GET /inventory` tells what the simulator
// holds.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"reflect"
	"syscall"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	_ "github.com/vmware/govmomi/pbm/simulator"
	_ "github.com/vmware/govmomi/vslm/simulator"
)

func main() {
	listen := flag.String("l", "127.0.0.1:0", "address of the API")
	control := flag.String("control", "127.0.0.1:0", "address of the fault rules and the inventory")
	machines := flag.Int("vm", 1, "virtual machines in each resource pool")
	version := flag.String("version", "8.0.3.0", "API version that the vCenter claims")
	secure := flag.Bool("tls", false, "serve https, with a certificate that nobody signed")
	flag.Parse()

	model := simulator.VPX()
	model.Datacenter = 1
	model.Cluster = 2
	model.Host = 0
	model.ClusterHost = 2
	model.Datastore = 1
	model.Portgroup = 1
	model.Pool = 1
	model.Machine = *machines
	defer model.Remove()
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	model.Service.RegisterEndpoints = true
	model.Service.Listen = &url.URL{Scheme: "http", Host: *listen, User: url.UserPassword("plimsoll@vsphere.local", "s3cret-of-vcenter")}
	if *secure {
		model.Service.TLS = new(tls.Config)
	}
	registry := model.Map()
	if instance, ok := registry.Get(types.ManagedObjectReference{Type: "ServiceInstance", Value: "ServiceInstance"}).(*simulator.ServiceInstance); ok {
		instance.Content.About.ApiVersion = *version
		instance.Content.About.Version = *version
	}
	templates(registry)
	disks := new(helper)
	disks.Self = helpers
	registry.Put(disks)
	registry.Handler = func(ctx *simulator.Context, method *simulator.Method) (mo.Reference, types.BaseMethodFault) {
		switch method.Name {
		case "AttachDisk_Task", "DetachDisk_Task", "CreateDisk_Task", "CreateDiskFromSnapshot_Task", "InstantClone_Task", "AcquireTicket":
			method.This = helpers
		case "CloneVM_Task":
			withOwnDisks(method.Body)
		case "WaitForUpdatesEx":
			tellBeside(ctx, method.This)
		}
		return nil, nil
	}

	registry.AddHandler(oneByOne)
	server := model.Service.NewServer()
	defer server.Close()
	server.Config.Handler = oneByOne.serve(server.Config.Handler)
	mux := http.NewServeMux()
	mux.HandleFunc("/faults", func(w http.ResponseWriter, r *http.Request) { faults(model.Service, w, r) })
	mux.HandleFunc("/inventory", serveInventory(registry))
	go func() { log.Fatal(http.ListenAndServe(*control, mux)) }()
	fmt.Printf("listening %s\n", server.URL.Host)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}

// One machine of the model becomes a template, off and without a pool.
func templates(registry *simulator.Registry) {
	for _, entity := range registry.All("VirtualMachine") {
		vm := entity.(*simulator.VirtualMachine)
		if vm.Name != "DC0_C0_RP1_VM0" {
			continue
		}
		vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
		vm.Summary.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
		vm.Name = "debian-12"
		vm.Config.Name = vm.Name
		vm.Summary.Config.Name = vm.Name
		vm.Config.Template = true
		vm.Summary.Config.Template = true
		vm.ResourcePool = nil
	}
}

// A rule as JSON: {"method": "CloneVM_Task", "fault": "NotAuthenticated", "times": 1}; any fault of the API by its type.
type rule struct {
	Method string `json:"method"`
	Fault  string `json:"fault"`
	Times  int    `json:"times"`
}

func faults(service *simulator.Service, w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		var given rule
		if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		kind, ok := types.TypeFunc()(given.Fault)
		if !ok {
			http.Error(w, "no such fault", http.StatusBadRequest)
			return
		}
		fault, ok := reflect.New(kind).Interface().(types.BaseMethodFault)
		if !ok {
			http.Error(w, "no fault", http.StatusBadRequest)
			return
		}
		service.AddFaultRule(&simulator.FaultInjectionRule{
			MethodName:  given.Method,
			ObjectType:  "*",
			ObjectName:  "*",
			Probability: 1,
			FaultType:   simulator.FaultTypeCustom,
			Fault:       fault,
			MaxCount:    given.Times,
			Enabled:     true,
		})
	case http.MethodDelete:
		service.ClearFaultRules()
	}
	w.WriteHeader(http.StatusNoContent)
}
