import { create, createRegistry, type DescFile, type DescService, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { type ServerReflection, type ServerReflectionRequest, ServerReflectionResponseSchema } from "#gen/grpc/reflection/v1/reflection_pb.ts";

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

const NOT_FOUND = 5;

/** gRPC server reflection over the files that define `services`: what `buf curl` and `grpcurl` need to call without a schema. */
export function reflectionService(services: readonly DescService[]): ServiceImpl<typeof ServerReflection> {
  const files = closure(services.map(({ file }) => file));
  const registry = createRegistry(...files.values());
  // Written once: anybody may ask, as often as they like.
  const bytes = new Map([...files.values()].map((file) => [file, toBinary(FileDescriptorProtoSchema, file.proto)]));
  const withImports = (file: DescFile): Answer => ({
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: [...closure([file]).values()].flatMap((each) => bytes.get(each) ?? []) },
  });
  const notFound = (what: string): Answer => ({ case: "errorResponse", value: { errorCode: NOT_FOUND, errorMessage: `${what} is not known` } });

  const answer = ({ messageRequest: asked }: ServerReflectionRequest): Answer => {
    switch (asked.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: services.map(({ typeName }) => ({ name: typeName })) } };
      case "fileByFilename": {
        const file = files.get(asked.value.replace(/\.proto$/, ""));
        return file === undefined ? notFound(asked.value) : withImports(file);
      }
      case "fileContainingSymbol": {
        // A method is found by its service, a field or an enum's value by the type around it.
        const found = registry.get(asked.value) ?? registry.get(asked.value.replace(/\.[^.]*$/, ""));
        return found === undefined ? notFound(asked.value) : withImports(found.file);
      }
      case "fileContainingExtension": {
        const found = registry.getExtensionFor({ typeName: asked.value.containingType } as never, asked.value.extensionNumber);
        return found === undefined ? notFound(`extension ${asked.value.extensionNumber} of ${asked.value.containingType}`) : withImports(found.file);
      }
      case "allExtensionNumbersOfType": {
        const extensionNumber = [...registry].flatMap((each) => (each.kind === "extension" && each.extendee.typeName === asked.value ? [each.number] : []));
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: asked.value, extensionNumber } };
      }
      case undefined:
        return notFound("an empty question");
    }
  };

  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield create(ServerReflectionResponseSchema, { validHost: request.host, originalRequest: request, messageResponse: answer(request) });
    },
  };
}

/** The files and all that they import, imports first, by name without `.proto`. */
function closure(roots: readonly DescFile[]): ReadonlyMap<string, DescFile> {
  const files = new Map<string, DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file.name)) return;
    for (const each of file.dependencies) visit(each);
    files.set(file.name, file);
  };
  for (const root of roots) visit(root);
  return files;
}
