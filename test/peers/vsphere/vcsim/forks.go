package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// InstantCloneTask is what the simulator lacks, over its own CloneVM_Task. It checks what the API reference says: the
// source runs, and nothing but the name, the place, settings, and edits of network cards and serial or parallel ports is
// asked for. There are no guests here, so no memory is kept: the clone is a machine that was powered on.
func (h *helper) InstantCloneTask(ctx *simulator.Context, req *types.InstantClone_Task) soap.HasFault {
	task := simulator.CreateTask(h, "instantClone", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		source, found := ctx.Map.Get(req.This).(*simulator.VirtualMachine)
		if !found {
			return nil, &types.ManagedObjectNotFound{Obj: req.This}
		}
		if state := source.Runtime.PowerState; state != types.VirtualMachinePowerStatePoweredOn {
			return nil, &types.InvalidPowerState{
				RequestedState: types.VirtualMachinePowerStatePoweredOn,
				ExistingState:  state,
			}
		}
		location := req.Spec.Location
		if property := unsupported(location); property != "" {
			return nil, &types.InvalidArgument{InvalidProperty: "spec.location." + property}
		}
		folder := source.Parent
		if location.Folder != nil {
			folder = location.Folder
		}
		inner := source.CloneVMTask(ctx, &types.CloneVM_Task{
			This:   req.This,
			Folder: *folder,
			Name:   req.Spec.Name,
			Spec: types.VirtualMachineCloneSpec{
				Location: types.VirtualMachineRelocateSpec{
					Datastore:    location.Datastore,
					Pool:         location.Pool,
					DeviceChange: location.DeviceChange,
				},
				Config: &types.VirtualMachineConfigSpec{
					Uuid:        req.Spec.BiosUuid,
					ExtraConfig: inherited(source.Config.ExtraConfig, req.Spec.Config),
				},
				PowerOn: true,
			},
		})
		if body := inner.(*methods.CloneVM_TaskBody); body.Fault_ != nil {
			return nil, &types.InvalidFolder{Target: *folder}
		}
		return ended(ctx, inner.(*methods.CloneVM_TaskBody).Res.Returnval)
	})
	return &methods.InstantClone_TaskBody{
		Res: &types.InstantClone_TaskResponse{Returnval: task.Run(ctx)},
	}
}

// The first setting of a place that an instant clone does not take; empty if it takes all.
func unsupported(location types.VirtualMachineRelocateSpec) string {
	switch {
	case location.Host != nil:
		return "host"
	case len(location.Disk) > 0:
		return "disk"
	case len(location.Profile) > 0:
		return "profile"
	case location.DiskMoveType != "":
		return "diskMoveType"
	}
	for _, change := range location.DeviceChange {
		spec := change.GetVirtualDeviceConfigSpec()
		if spec.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			return "deviceChange.operation"
		}
		switch spec.Device.(type) {
		case types.BaseVirtualEthernetCard, *types.VirtualSerialPort, *types.VirtualParallelPort:
		default:
			return "deviceChange.device"
		}
	}
	return ""
}

// Settings of the source, and over them what was asked for; an empty value takes one away.
func inherited(source, asked []types.BaseOptionValue) []types.BaseOptionValue {
	over := make(map[string]bool)
	var settings []types.BaseOptionValue
	for _, option := range asked {
		value := option.GetOptionValue()
		over[value.Key] = true
		if value.Value != "" {
			settings = append(settings, option)
		}
	}
	for _, option := range source {
		if !over[option.GetOptionValue().Key] {
			settings = append(settings, option)
		}
	}
	return settings
}
