package main

import (
	"encoding/json"
	"net/http"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What the simulator itself holds, past its API: `GET /inventory` on the control address.
type inventory struct {
	Machines []machine `json:"machines"`
	Networks []network `json:"networks"`
	Disks    []disk    `json:"disks"`
}

type machine struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Power     string            `json:"power"`
	Template  bool              `json:"template"`
	CPUs      int32             `json:"cpus"`
	MemoryMiB int32             `json:"memory_mib"`
	Settings  map[string]string `json:"settings"`
	Cards     []card            `json:"cards"`
	Disks     []disk            `json:"disks"`
	Snapshots int               `json:"snapshots"`
}

type card struct {
	MAC     string `json:"mac"`
	Network string `json:"network"`
}

type network struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	// Nil where it carries none, or several.
	VLAN *int32 `json:"vlan"`
}

type disk struct {
	// Empty for a disk that belongs to its machine alone.
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	SizeMiB  int64             `json:"size_mib"`
	Metadata map[string]string `json:"metadata"`
}

func takeInventory(registry *simulator.Registry) inventory {
	seen := inventory{Machines: []machine{}, Networks: []network{}, Disks: []disk{}}
	for _, entity := range registry.All("VirtualMachine") {
		seen.Machines = append(seen.Machines, describeMachine(entity.(*simulator.VirtualMachine)))
	}
	for _, entity := range registry.All("DistributedVirtualPortgroup") {
		group := entity.(*simulator.DistributedVirtualPortgroup)
		seen.Networks = append(seen.Networks, network{group.Self.Value, group.Name, group.Config.Description, vlanOf(group)})
	}
	for _, shelf := range registry.VStorageObjectManager().Catalog() {
		for id, object := range shelf {
			metadata := map[string]string{}
			for _, pair := range object.Metadata {
				metadata[pair.Key] = pair.Value
			}
			seen.Disks = append(seen.Disks, disk{id.Id, object.Config.Name, object.Config.CapacityInMB, metadata})
		}
	}
	return seen
}

func vlanOf(group *simulator.DistributedVirtualPortgroup) *int32 {
	setting, ok := group.Config.DefaultPortConfig.(*types.VMwareDVSPortSetting)
	if !ok {
		return nil
	}
	if vlan, ok := setting.Vlan.(*types.VmwareDistributedVirtualSwitchVlanIdSpec); ok {
		return &vlan.VlanId
	}
	return nil
}

func describeMachine(vm *simulator.VirtualMachine) machine {
	seen := machine{
		ID:        vm.Self.Value,
		Name:      vm.Name,
		Power:     string(vm.Runtime.PowerState),
		Template:  vm.Config.Template,
		CPUs:      vm.Config.Hardware.NumCPU,
		MemoryMiB: vm.Config.Hardware.MemoryMB,
		Settings:  map[string]string{},
		Cards:     []card{},
		Disks:     []disk{},
	}
	for _, option := range vm.Config.ExtraConfig {
		if text, ok := option.GetOptionValue().Value.(string); ok {
			seen.Settings[option.GetOptionValue().Key] = text
		}
	}
	for _, device := range vm.Config.Hardware.Device {
		if ethernet, ok := device.(types.BaseVirtualEthernetCard); ok {
			at := ethernet.GetVirtualEthernetCard()
			name := ""
			switch backing := at.Backing.(type) {
			case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
				name = backing.Port.PortgroupKey
			case *types.VirtualEthernetCardNetworkBackingInfo:
				name = backing.DeviceName
			}
			seen.Cards = append(seen.Cards, card{at.MacAddress, name})
		}
		if held, ok := device.(*types.VirtualDisk); ok {
			id := ""
			if held.VDiskId != nil {
				id = held.VDiskId.Id
			}
			seen.Disks = append(seen.Disks, disk{ID: id, SizeMiB: held.CapacityInKB / 1024})
		}
	}
	if vm.Snapshot != nil {
		seen.Snapshots = len(vm.Snapshot.RootSnapshotList)
	}
	return seen
}

func serveInventory(registry *simulator.Registry) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var seen inventory
		oneByOne.alone(func() { seen = takeInventory(registry) })
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(seen)
	}
}
