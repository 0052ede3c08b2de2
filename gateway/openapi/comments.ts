import type { DescField, DescFile, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";

/** Numbers of the fields of a descriptor that hold what a path of source locations goes through (descriptor.proto). */
const FILE = { messageType: 4, service: 6 } as const;
const MESSAGE_FIELD = 2;
const SERVICE_METHOD = 2;

/** The comment above a message, field, service or method in its `.proto` file, on one line. Empty: none, or the file came without its source. */
export function commentOf(desc: DescMessage | DescField | DescService | DescMethod): string {
  const path = pathOf(desc).join();
  const location = fileOf(desc).proto.sourceCodeInfo?.location.find((each) => each.path.join() === path);
  return (location?.leadingComments ?? "").replace(/\s+/g, " ").trim();
}

function pathOf(desc: DescMessage | DescField | DescService | DescMethod): number[] {
  switch (desc.kind) {
    case "message":
      return [FILE.messageType, desc.file.messages.indexOf(desc)];
    case "field":
      return [...pathOf(desc.parent), MESSAGE_FIELD, desc.parent.proto.field.findIndex(({ number }) => number === desc.number)];
    case "service":
      return [FILE.service, desc.file.services.indexOf(desc)];
    case "rpc":
      return [...pathOf(desc.parent), SERVICE_METHOD, desc.parent.methods.indexOf(desc)];
  }
}

function fileOf(desc: DescMessage | DescField | DescService | DescMethod): DescFile {
  return desc.kind === "field" || desc.kind === "rpc" ? desc.parent.file : desc.file;
}
